"""The command to type after a verdict: to count what arrived since, or to see what was found."""

import os
import shlex
import shutil
import sys
from pathlib import Path

from headcount_analysis.report.model import Report

from headcount.compose import typed_command
from headcount.run.folder import RunFolder
from headcount.run.verdict import against

REPORTS = "reports"
"""The folder in which the commands look for runs by default."""

_READ_ON = "--until latest"
_OPENERS = {"darwin": "open", "linux": "xdg-open"}


def next_command(report: Report, folder: RunFolder, *, has_read_on: bool = False) -> str:
    """Return the command.

    `has_read_on` says that messages after the run's end have just been counted, too.
    """
    counts = report.counts
    is_late = counts is not None and counts.lost > 0
    is_late = is_late or any(_READ_ON in check.remedy for check in against(report.checks))
    if is_late and not has_read_on:
        return typed_command(f"headcount verify {_typed(folder.path)} {_READ_ON}", os.environ)
    opener = _OPENERS.get(sys.platform, "")
    if opener and shutil.which(opener) is not None:
        return f"{opener} {_typed(folder.path / 'report.html')}"
    reports = _typed(folder.path.parent)
    options = "" if reports == REPORTS else f" --reports-dir {reports}"
    return typed_command(f"headcount history{options}", os.environ)


def _typed(path: Path) -> str:
    """Return a path as one would type it: relative to the current folder, if it is below that."""
    here = Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))
