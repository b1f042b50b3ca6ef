"""The `follow` benchmark, end to end."""

from pathlib import Path

import pytest

from tests.bench.command import bench

pytestmark = [pytest.mark.e2e, pytest.mark.heavy]


def test_follow(tmp_path: Path) -> None:
    """The follower reads nearly all messages before the end, and both verdicts pass."""
    _, document = bench(tmp_path, "follow", "--events", "2000", "2400")
    for each in document["rounds"]:
        assert 0.9 * each["events"] <= each["followed"]["messages"] <= each["events"]
        assert each["followed"]["seconds"] > 0
