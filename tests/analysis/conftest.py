"""Histories: a run's ledger and topic as literals."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.analysis.synthetic_run import RunHistory


@pytest.fixture
def history(tmp_path: Path, spark: SparkSession) -> RunHistory:
    """An empty history for a test to fill."""
    return RunHistory(tmp_path, spark)
