"""The `reconcile` benchmark, end to end."""

from pathlib import Path

import pytest

from tests.bench.command import bench

pytestmark = [pytest.mark.e2e, pytest.mark.heavy]


def test_reconcile(tmp_path: Path) -> None:
    """Every contender judges the runs; only the run with faults has lost events."""
    size = ("--rounds", "1", "--events", "2000", "--faults", "3", "--secure")
    done, document = bench(tmp_path, "reconcile", *size)
    assert {one_round["variant"]: one_round["lost"] for one_round in document["rounds"]} == {
        "headcount verify": 0,
        "the same, over TLS": 0,
        "the same, with faults": 3,
        "script": 0,
        "bare read": None,
    }
    assert "peak MiB" in done.stdout
