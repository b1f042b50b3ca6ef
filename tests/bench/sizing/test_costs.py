"""The `costs` benchmark, end to end."""

from pathlib import Path

import pytest

from tests.bench.command import bench

pytestmark = [pytest.mark.e2e, pytest.mark.heavy]


def test_costs(tmp_path: Path) -> None:
    """Every part used CPU time per event, and every store bytes per event."""
    done, document = bench(tmp_path, "costs", "--rounds", "1", "--seconds", "4")
    us, size = document["figures"]["cpu_us_per_event"], document["figures"]["bytes_per_event"]
    assert min(cost["median"] for cost in us.values()) > 0
    assert size["topic"]["median"] > size["ledger"]["median"] > 1
    assert "generator" in done.stdout
