"""Headcount accounts for a run on hosts whose clocks differ, and measures the clocks."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.distributed.hosts import CLOCK_OFFSETS_MS
from tests.needs import lacking

pytestmark = [pytest.mark.e2e, pytest.mark.heavy]

NAMESPACES = ["unshare", "--map-root-user", "--net", "--mount"]
DEADLINE_S = 900.0


@pytest.fixture
def namespaces() -> list[str]:
    """The command that creates namespaces; skips the test if this machine does not allow it."""
    try:
        tried = subprocess.run(
            [*NAMESPACES, "ip", "link", "add", "near0", "type", "veth", "peer", "name", "far0"],
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        lacking(f"no network namespaces: {error.filename} is not installed")
    if tried.returncode:
        lacking(f"no network namespaces: {tried.stderr.strip()}")
    return NAMESPACES


def test_hosts_whose_clocks_differ(namespaces: list[str], tmp_path: Path) -> None:
    """Everything is delivered; each clock's offset is measured, and corrects end-to-end times."""
    command = [*namespaces, sys.executable, "-m", "tests.distributed.hosts", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

    verdict = json.loads((tmp_path / "reports" / "run-1" / "verdict.json").read_text())
    assert verdict["counts"]["delivered"] == verdict["counts"]["attempted"] > 20
    offsets_ms = sorted(-clock["offset_ms"] for clock in verdict["clocks"])
    assert offsets_ms == pytest.approx(sorted(CLOCK_OFFSETS_MS), abs=50)
    (latency,) = (
        row
        for row in verdict["latency_ms"]
        if (row["event_type"], row["measure"]) == ("total", "end_to_end")
    )
    assert latency["min_ms"] >= -1  # timestamps are whole ms
    assert any("clock" in note for note in verdict["notes"])
