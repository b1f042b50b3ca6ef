"""One Spark session for all tests, and histories: a run's ledger and topic as literals."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from headcount_analysis.spark.config import SessionConfig
from headcount_analysis.spark.jvm import class_path_files
from headcount_analysis.spark.session import open_session, sql
from pyspark.sql import SparkSession

from headcount.stack.jvm.cds_archive import ClassData
from headcount.stack.jvm.compilation_flags import QUICK_START
from headcount.stack.jvm.ivy import Fetcher
from headcount.stack.jvm.jars import connector_jars
from headcount.stack.jvm.java import Java
from tests.analysis.history import RunHistory


@pytest.fixture(scope="session")
def spark(
    java: Java, fetcher: Fetcher, cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SparkSession]:
    """The one session of all tests: a process can have only one."""
    jars = connector_jars(fetcher)
    config = SessionConfig(
        java_home=java.home,
        connector_jars=jars,
        log_file=tmp_path_factory.mktemp("spark") / "spark.log",
        master="local[2]",
        heap="1g",
        shuffle_partitions=2,
        java_options=QUICK_START,
        class_data=ClassData.of(cache, java.home, (*class_path_files(), *jars)),
    )
    with open_session(config) as context:
        yield sql(context)


@pytest.fixture
def history(tmp_path: Path, spark: SparkSession) -> RunHistory:
    """An empty history for a test to fill."""
    return RunHistory(tmp_path, spark)
