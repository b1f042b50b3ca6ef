"""The `follow` benchmark, end to end."""

from pathlib import Path

import pytest

from tests.bench.command import bench

pytestmark = [pytest.mark.e2e, pytest.mark.heavy]


def test_follow(tmp_path: Path) -> None:
    """The follower reads nearly all messages before the end, and both verdicts pass."""
    _, document = bench(tmp_path, "follow", "--events", "2000", "2400")
    for one_round in document["rounds"]:
        assert 0.9 * one_round["events"] <= one_round["followed"]["messages"] <= one_round["events"]
        assert one_round["followed"]["seconds"] > 0
