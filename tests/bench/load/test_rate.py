"""The `rate` benchmark, end to end."""

from pathlib import Path

import pytest

from tests.bench.command import bench

pytestmark = [pytest.mark.e2e, pytest.mark.heavy]


def test_rate(tmp_path: Path) -> None:
    """Arrivals were due, and the stall shows in the high percentiles."""
    size = ("--rounds", "1", "--seconds", "4", "--stalled-rate", "50")
    done, document = bench(tmp_path, "rate", *size)
    due = document["rounds"][0]["lag"]["due"]
    assert due > 0
    stalled = document["figures"]["stall_ms"]
    assert stalled["exact"]["p99"] == 960
    assert stalled["from_intended"]["p99"] > 500
    assert "by calculation" in done.stdout
