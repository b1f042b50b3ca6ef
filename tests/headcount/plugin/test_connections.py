"""Connections: kept open, opened in advance, and never reused with a pending response."""

import json
import subprocess
import sys
from pathlib import Path

EXPECTED = {
    # Outcomes, and the server connection that each request arrived on.
    "again": ["acked", "acked", [1, 1]],
    "either way": ["acked", "acked", "acked", [1, 1, 1]],
    "among many": ["acked", "acked", [1, 1], True],
    "ahead": ["acked", [1]],
    "ahead, refused": [],
    "closed meanwhile": ["acked", "acked", [1, 2]],
    "killed": ["acked", [1, 2]],
    "own error": ["indeterminate", "indeterminate"],
    "refused": ["failed", "failed"],
    "side by side": ["acked", "acked", "acked", [1, 2, 3]],
    # The number of requests received.
    "despite retries": [12],
}


def test_which_connection_a_request_takes(tmp_path: Path, certificate: Path) -> None:
    """An open one without a pending response, or else a new one; each attempt has its row."""
    program = "tests.headcount.plugin.connections"
    command = [sys.executable, "-m", program, str(tmp_path / "ledger"), str(certificate)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"http": EXPECTED, "https": EXPECTED, "attempted": [62, 62]}
