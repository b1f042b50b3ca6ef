"""Tombstones: whether a message without a value is another arrival of the id in its key."""

import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.analysis.synthetic_run import RunHistory, event_id


@pytest.mark.parametrize(("name", "verdict"), [("debezium", "pass"), ("json", "fail")])
def test_a_row_that_is_deleted(
    tmp_path: Path, spark: SparkSession, name: str, verdict: str
) -> None:
    """Debezium publishes the deletion and then a tombstone: the event has arrived once.

    In JSON, a message without a value is malformed, and the id in its key is not forgotten.
    """
    history = RunHistory(tmp_path, spark)
    history.options = {"message_format": name, "id_at": "key"}
    row = {"event_type": "purchase_sword", "metal": "iron"}
    value = {"op": "d", "before": row, "after": None} if name == "debezium" else row
    history.attempt(0)
    history.arrive_raw(json.dumps(value).encode(), 0, key=event_id(0))
    history.arrive_raw(None, 1, key=event_id(0))

    report = history.verified()

    assert report.verdict == verdict, report.reasons
    assert report.counts is not None
    counts = report.counts.as_dict()
    assert (counts["delivered"], counts["duplicated"]) == (1, 0)
    assert (counts["foreign"], counts["garbled"]) == ((1, 0) if name == "debezium" else (0, 1))
