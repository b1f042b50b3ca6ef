"""Typical users: every request is accounted for, and everything else is reported."""

import json
import subprocess
import sys
from pathlib import Path


def test_habits(tmp_path: Path) -> None:
    """Requests made in `on_stop`, in task sets and in greenlets are sent and have rows.

    Requests that were not made are counted by kind; greenlets left behind end silently.
    """
    command = [sys.executable, "-m", "tests.headcount.plugin.habits", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    rows, shortfall = result["rows"], result["shortfall"]
    assert (rows["goodbye"], rows["leave"]) == (10, 2)
    assert rows["background"] >= 5
    assert sum(rows.values()) == result["received"]
    errors = {error["stage"]: error for error in shortfall["errors"]}
    assert {stage: (error["message"], error["count"]) for stage, error in errors.items()} == {
        "task": ("KeyError: 'guild'", rows["buy"]),
        "on_start": ("ValueError: no token", 1),
        "on_stop": ("RuntimeError: no goodbye", 1),
    }
    assert all(error["place"].startswith("habits.py:") for error in errors.values())
    assert shortfall["without_event"] == rows["buy"]
    assert shortfall["other_users"] == ["Web"]
    assert "StopUser" not in done.stderr
