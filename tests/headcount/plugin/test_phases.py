"""The phases of requests, measured against a server that keeps them waiting in known places."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from headcount.ledger.http_phases import HttpPhases, Phase

SCHEMES, WAYS = ("http", "https"), ("lean", "general")
SOON_S = 0.03
"""Half of each wait."""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, certificate: Path) -> dict[str, Any]:
    """What the program prints."""
    ledger = tmp_path_factory.mktemp("phases") / "ledger"
    command = [sys.executable, "-m", "tests.headcount.plugin.phases", str(ledger), str(certificate)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.fixture(scope="module")
def counts(measured: dict[str, Any]) -> dict[str, dict[str, int]]:
    """How often each phase was measured, by event type."""
    phases = TypeAdapter(HttpPhases).validate_python({"by_type": measured["phases"]})
    return {
        name: {phase.value: durations.count for phase, durations in of_type.items()}
        for name, of_type in phases.by_type.items()
    }


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("way", WAYS)
def test_the_first_byte_is_that_of_the_head(
    measured: dict[str, Any], scheme: str, way: str
) -> None:
    """The wait before the head belongs to it, the wait for the body does not."""
    name = f"{scheme} {way}"
    first_byte = measured["phases"][name][Phase.FIRST_BYTE]
    assert first_byte["min_us"] / 1e6 >= SOON_S
    assert first_byte["min_us"] / 1e6 <= measured["shortest_s"][name] - SOON_S


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("way", WAYS)
def test_who_opened_a_connection(counts: dict[str, dict[str, int]], scheme: str, way: str) -> None:
    """Two requests on one connection opened one; a request without an event counts for none.

    A request that was never answered opened a connection, and has no first byte.
    """
    name, tls = f"{scheme} {way}", {"tls": 1} if scheme == "https" else {}
    assert counts[name] == {"first_byte": 2, "connect": 1, **tls}
    assert counts[f"{name} closed"] == {"connect": 1, **tls}
    assert counts[f"{name} reused"] == {"first_byte": 1}
