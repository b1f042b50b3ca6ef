"""Connections: kept, opened ahead, and never left with an answer that is another request's."""

import json
import subprocess
import sys
from pathlib import Path

FOUND = {
    # Outcomes, and which of the server's connections each request came on.
    "again": ["acked", "acked", [1, 1]],
    "ahead": ["acked", [1]],
    "closed meanwhile": ["acked", "acked", [1, 2]],
    "killed": ["acked", [1, 2]],
    "side by side": ["acked", "acked", "acked", [1, 2, 3]],
    "attempted": [10, 10],
}


def test_which_connection_a_request_takes(tmp_path: Path) -> None:
    """An open one that owes no answer, else one of its own; and each attempt has its row."""
    command = [sys.executable, "-m", "tests.headcount.plugin.connections", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == FOUND
