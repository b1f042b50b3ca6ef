"""Faults under load, and their verdicts: some of the scenarios; `make faults` runs all."""

import os
from pathlib import Path

import pytest

from headcount.cli.platform import platform
from headcount.console import Console
from tests.faults.result import perform
from tests.faults.scenarios import SCENARIOS

pytestmark = [pytest.mark.e2e, pytest.mark.heavy]


@pytest.mark.parametrize("name", ["players-killed", "run-killed", "service-lies"])
def test_the_verdict_is_right(name: str, tmp_path: Path) -> None:
    """The exit code and the counts are those that the fault must lead to."""
    (scenario,) = (candidate for candidate in SCENARIOS if candidate.name == name)
    result = perform(scenario, platform(dict(os.environ), Console(quiet=True)), tmp_path)
    assert result.broken == ()
