"""Errors that are reported to the user in one line, each with its exit code.

HeadcountError
├── UsageError            2  an option, a path or a setting is invalid
├── EvidenceError         3  the run left too little evidence, or damaged evidence
├── PartError             5  a part could not start or died: broker, service, generator, Spark
└── InterruptedRunError 130  Ctrl-C or SIGTERM ended a run that can still be judged

A message names the value, the rule and the remedy, and makes sense without a traceback.
"""

from typing import ClassVar

STOPPED = "interrupted; everything that Headcount started has been stopped"
"""The message for every interrupt."""


class HeadcountError(Exception):
    """Base class of errors that the user can fix; the process exits with `exit_code`."""

    exit_code: ClassVar[int]


class UsageError(HeadcountError):
    """An option, a path or a setting is invalid."""

    exit_code = 2


class EvidenceError(HeadcountError):
    """A run's ledger, manifest or topic cannot be judged, so its verdict is inconclusive."""

    exit_code = 3


class PartError(HeadcountError):
    """A part of the stack could not start, or died."""

    exit_code = 5


class InterruptedRunError(HeadcountError):
    """A run was interrupted after a generator had sealed its ledger."""

    exit_code = 130  # what shells report for a command that Ctrl-C ended
