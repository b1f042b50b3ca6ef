"""Users as people write them: all that they ask for is accounted for, and the rest is told."""

import json
import subprocess
import sys
from pathlib import Path


def test_habits(tmp_path: Path) -> None:
    """What `on_stop` asks for is made and has its row, of a user, a task set and greenlets.

    What was not made is counted by its kind, and what a scenario left behind ends without a word.
    """
    command = [sys.executable, "-m", "tests.headcount.plugin.habits", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    rows, shortfall = told["rows"], told["shortfall"]
    assert (rows["goodbye"], rows["leave"]) == (10, 2)
    assert rows["background"] >= 5
    assert sum(rows.values()) == told["heard"]
    errors = {each["stage"]: each for each in shortfall["errors"]}
    assert {stage: (each["message"], each["count"]) for stage, each in errors.items()} == {
        "task": ("KeyError: 'guild'", rows["buy"]),
        "on_start": ("ValueError: no token", 1),
        "on_stop": ("RuntimeError: no goodbye", 1),
    }
    assert all(each["place"].startswith("habits.py:") for each in errors.values())
    assert shortfall["without_event"] == rows["buy"]
    assert shortfall["other_users"] == ["Web"]
    assert "StopUser" not in done.stderr
