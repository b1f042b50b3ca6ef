"""One Spark session for all tests, and histories: a run's ledger and topic, written down."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from analysis.jvm import QUICK_START, SessionConfig
from analysis.session import open_session, sql
from headcount.stack.jars import Fetcher, connector_jars
from headcount.stack.java import Java
from tests.analysis.history import History


@pytest.fixture(scope="session")
def spark(
    java: Java, fetcher: Fetcher, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SparkSession]:
    """The one session of all tests: a process holds no second one beside it."""
    config = SessionConfig(
        java_home=java.home,
        connector_jars=connector_jars(fetcher),
        log_file=tmp_path_factory.mktemp("spark") / "spark.log",
        master="local[2]",
        heap="1g",
        shuffle_partitions=2,
        java_options=QUICK_START,
    )
    with open_session(config) as context:
        yield sql(context)


@pytest.fixture
def history(tmp_path: Path, spark: SparkSession) -> History:
    """An empty history, to be filled."""
    return History(tmp_path, spark)
