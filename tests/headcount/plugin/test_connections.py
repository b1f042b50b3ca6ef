"""Connections: kept, opened ahead, and never left with an answer that is another request's."""

import json
import subprocess
import sys
from pathlib import Path

FOUND = {
    # Outcomes, and which of the server's connections each request came on.
    "again": ["acked", "acked", [1, 1]],
    "either way": ["acked", "acked", "acked", [1, 1, 1]],
    "among many": ["acked", "acked", [1, 1], True],
    "ahead": ["acked", [1]],
    "ahead, in vain": [],
    "closed meanwhile": ["acked", "acked", [1, 2]],
    "killed": ["acked", [1, 2]],
    "side by side": ["acked", "acked", "acked", [1, 2, 3]],
}


def test_which_connection_a_request_takes(tmp_path: Path, certificate: Path) -> None:
    """An open one that owes no answer, else one of its own; and each attempt has its row."""
    program = "tests.headcount.plugin.connections"
    command = [sys.executable, "-m", program, str(tmp_path / "ledger"), str(certificate)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"http": FOUND, "https": FOUND, "attempted": [30, 30]}
