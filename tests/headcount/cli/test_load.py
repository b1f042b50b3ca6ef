"""The error of a Locust that ended before there was anything to judge."""

import os
import sys
from pathlib import Path

import pytest

from headcount.cli.load import _raise_exit
from headcount.errors import HeadcountError, PartError, UsageError
from headcount.stack.process import Process

SCRIPT = """
import sys
print(sys.argv[2], file=sys.stderr)
print("OSError: [Errno 28] in a thread of a pool", file=sys.stderr)
sys.exit(int(sys.argv[1]))
"""


@pytest.mark.parametrize(
    ("code", "line", "kind", "reason"),
    [
        (5, "headcount: the disk is full", PartError, r"^the disk is full \(log: "),
        (5, "of somebody else", PartError, r"exit code 5: .*OSError"),
        (2, "headcount: there is no task", UsageError, r"^there is no task$"),
        (1, "headcount: a warning", PartError, r"exit code 1: .*OSError"),
    ],
)
def test_the_reason(
    tmp_path: Path, code: int, line: str, kind: type[HeadcountError], reason: str
) -> None:
    """It is what the plugin wrote, whatever else is in the log after it."""
    command = [sys.executable, "-c", SCRIPT, str(code), line]
    log = tmp_path / "locust.log"
    with Process("Locust", command, log_path=log, environ=dict(os.environ)) as locust:
        locust.wait(60)
        with pytest.raises(kind, match=reason):
            _raise_exit(locust, code)
