"""Answers of every kind: what the ledger notes of one is what the service has said of it."""

import json
import subprocess
import sys
from pathlib import Path

NOTED = {
    "a plain answer": ["acked"],
    "refused": ["failed"],
    "an interim answer": ["acked"],
    "an interim answer in one packet": ["acked"],
    "an interim answer, and the final one late": ["indeterminate", "acked", "failed"],
    "an interim answer, and the end": ["indeterminate"],
    "more behind the answer": ["indeterminate"],
    "more behind a refusal": ["indeterminate"],
    "a body that is cut": ["indeterminate"],
    "a body that never comes": ["indeterminate"],
    "a body in chunks that is cut": ["indeterminate"],
    "half a head": ["indeterminate"],
    "a redirect": ["indeterminate"],
}


def test_what_is_noted_is_what_was_said(tmp_path: Path) -> None:
    """No request is given another's answer, nor a part of one, whichever way it is sent."""
    command = [sys.executable, "-m", "tests.headcount.plugin.answers", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"short": NOTED, "general": NOTED}
