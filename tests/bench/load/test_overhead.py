"""The `overhead` benchmark, end to end."""

from pathlib import Path

import pytest

from tests.bench.command import bench

pytestmark = [pytest.mark.e2e, pytest.mark.heavy]


def test_overhead(tmp_path: Path) -> None:
    """Both variants made requests; the ledger has all requests of the ledger variant."""
    done, document = bench(tmp_path, "overhead", "--rounds", "1", "--users", "4", "--seconds", "4")
    assert document["figures"]["ratio"]["median"] > 0
    assert "ratio, with / without" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["overhead.json"]
