"""Rounds: whole runs with faults in a few styles of messages, generated, verified and compared."""

from pathlib import Path

import pytest
from headcount_analysis.selftest.message_writer import MessageStyle
from headcount_analysis.selftest.rounds import RoundContext, Size, mixed_round
from pyspark.sql import SparkSession

from headcount.run.id_settings import parse_id_settings
from headcount.run.message_format import FormatSettings
from headcount.stack.broker import Broker


@pytest.mark.parametrize(
    ("ids", "settings"),
    [
        pytest.param(("trace", "", ""), ("cloudevents", ""), marks=pytest.mark.slow),
        pytest.param(("uuid", "X-Request-Id", "key"), ("raw", ""), marks=pytest.mark.heavy),
        pytest.param(
            ("plain", "X-Request-Id", "field:X-Request-Id"), ("avro", ""), marks=pytest.mark.slow
        ),
    ],
)
def test_nothing_is_off_the_diagonal(  # noqa: PLR0917 - fixtures
    ids: tuple[str, str, str],
    settings: tuple[str, str],
    broker: Broker,
    topic: str,
    spark: SparkSession,
    registry: str,
    tmp_path: Path,
) -> None:
    """All kinds of faults at once are reported as what they are, and nothing else is."""
    chosen = FormatSettings(*settings, registry if settings[0] == "avro" else "")
    stage = RoundContext(tmp_path, spark.sparkContext, broker.cluster, topic)
    style = MessageStyle(parse_id_settings(*ids), chosen)

    done = mixed_round(stage, Size(2000, 100, 5), style, "all", lambda _: None)

    assert done.is_right, (done.problems, done.matrix.samples)
    assert sum(done.matrix.cells.values()) > 2000
    labels = {label for label in done.matrix.labels if "corrupted" in label}
    assert bool(labels) == (settings[0] != "raw")
    assert ("delivered + reordered" in done.matrix.labels) == (ids[2] != "key")
