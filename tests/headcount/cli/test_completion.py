"""Shell completion, as the README switches it on."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("headcount")


def completed(**environ: str) -> str:
    """Ask the command for what a shell asks."""
    asking = {**os.environ, **environ}
    done = subprocess.run(
        [PROGRAM], env=asking, capture_output=True, text=True, timeout=300, check=True
    )
    return done.stdout


def test_the_script() -> None:
    """Each shell is given one that asks the command."""
    for shell in ("bash", "zsh", "fish"):
        assert "_HEADCOUNT_COMPLETE" in completed(_HEADCOUNT_COMPLETE=f"{shell}_source")


def test_commands_and_options() -> None:
    """What begins so is offered."""
    asked = {"_HEADCOUNT_COMPLETE": "bash_complete"}
    assert completed(COMP_WORDS="headcount ve", COMP_CWORD="1", **asked).split() == ["plain,verify"]
    found = completed(COMP_WORDS="headcount run --thresh", COMP_CWORD="2", **asked).split()
    assert set(found) == {"plain,--threshold", "plain,--thresholds"}
