"""The `reconcile` benchmark, end to end."""

from pathlib import Path

import pytest

from tests.bench.command import bench

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_reconcile(tmp_path: Path) -> None:
    """Runs of two sizes are judged by all; the faults are found where there are some."""
    size = ("--rounds", "1", "--events", "2000", "--events", "20000", "--faults", "3")
    done, document = bench(tmp_path, "reconcile", *size)
    lost = {(each["events"], each["variant"]): each["lost"] for each in document["rounds"]}
    assert lost == {
        (events, variant): found
        for events in (2000, 20_000)
        for variant, found in (
            ("headcount verify", 0),
            ("the same, with faults", 3),
            ("script", 0),
            ("bare read", None),
        )
    }
    assert "peak MiB" in done.stdout
