"""The errors that a user is told of, each in one line, with the exit code that it ends in.

HeadcountError
├── UsageError        2  what was asked for makes no sense: an option, a path, a setting
├── EvidenceError     3  the run left too little, or something damaged, to judge it by
└── PartError         5  a part could not start or died: broker, service, generator, Spark

A message names the value, the rule and the remedy, and needs no traceback to be understood.
"""

from typing import ClassVar


class HeadcountError(Exception):
    """Base of every error that is the user's to mend; `exit_code` is what the process ends with."""

    exit_code: ClassVar[int]


class UsageError(HeadcountError):
    """What was asked for makes no sense."""

    exit_code = 2


class EvidenceError(HeadcountError):
    """A run's ledger, manifest or topic cannot be judged, so its verdict is inconclusive."""

    exit_code = 3


class PartError(HeadcountError):
    """A part of the stack could not start, or died."""

    exit_code = 5
