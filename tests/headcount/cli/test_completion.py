"""Shell completion, enabled as in the README."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("headcount")


def completed(**environ: str) -> str:
    """Request what a shell requests."""
    asking = {**os.environ, **environ}
    done = subprocess.run(
        [PROGRAM], env=asking, capture_output=True, text=True, timeout=300, check=True
    )
    return done.stdout


def test_the_script() -> None:
    """Each shell gets a script that calls the command."""
    for shell in ("bash", "zsh", "fish"):
        assert "_HEADCOUNT_COMPLETE" in completed(_HEADCOUNT_COMPLETE=f"{shell}_source")


def test_commands_and_options() -> None:
    """Words with the prefix are offered."""
    asked = {"_HEADCOUNT_COMPLETE": "bash_complete"}
    assert completed(COMP_WORDS="headcount ve", COMP_CWORD="1", **asked).split() == ["plain,verify"]
    words = completed(COMP_WORDS="headcount run --thresh", COMP_CWORD="2", **asked).split()
    assert set(words) == {"plain,--threshold", "plain,--thresholds"}
