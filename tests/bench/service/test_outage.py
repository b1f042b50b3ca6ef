"""The `outage` benchmark, end to end."""

from pathlib import Path

import pytest

from tests.bench.command import bench

pytestmark = [pytest.mark.e2e, pytest.mark.heavy]


def test_outage(tmp_path: Path) -> None:
    """Both workers live throughout; some requests are acknowledged, and some refused."""
    size = ("--seconds", "24", "--connections", "2")
    _, document = bench(tmp_path, "outage", *size)
    figures = document["figures"]
    assert len(figures["growth_mib"]) == 2
    assert figures["answers"]["acknowledged"]
    assert figures["answers"]["refused"]
    assert not figures["answers"]["broken"]
