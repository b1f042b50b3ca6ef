"""The `warm` benchmark, end to end."""

from pathlib import Path

import pytest

from tests.bench.command import bench

pytestmark = [pytest.mark.e2e, pytest.mark.heavy]


def test_warm(tmp_path: Path) -> None:
    """A run passes, and takes longer than its load."""
    _, document = bench(tmp_path, "warm", "--rounds", "1", "--seconds", "2")
    (measured,) = document["rounds"]
    assert measured["attempted"] > 0
    assert 0 < document["figures"]["beyond_s"]["median"] == measured["watched"]["seconds"] - 2
