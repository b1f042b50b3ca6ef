"""The `metrics` benchmark, end to end."""

from pathlib import Path

import pytest

from tests.bench.command import bench

pytestmark = [pytest.mark.e2e, pytest.mark.heavy]


def test_metrics(tmp_path: Path) -> None:
    """Each variant made requests under both loads, fewer of them with a pause."""
    done, document = bench(tmp_path, "metrics", "--rounds", "1", "--users", "4", "--seconds", "4")
    assert document["figures"]["ratio"]["median"] > 0
    assert "topic watcher" in done.stdout
    for measured in document["rounds"]:
        few, full = (measured[load]["generator"]["requests"] for load in ("few", "full"))
        assert 0 < few < full
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.json"]
