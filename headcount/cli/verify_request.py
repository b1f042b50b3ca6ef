"""The question that a judgement answers: which run is judged, and against what."""

from dataclasses import dataclass, fields

from headcount_analysis.judge import Limits

from headcount.cli.options.verify_options import Judging
from headcount.errors import UsageError
from headcount.run.folder import RunFolder


@dataclass(frozen=True, slots=True)
class Question:
    """Which run is judged, and against what.

    `saw_the_end` says that the generators were watched until they sealed: then no clock has to be
    trusted to know when that was.
    """

    folder: RunFolder
    judging: Judging
    bootstrap_servers: str | None
    until_latest: bool = False
    database_url: str | None = None
    saw_the_end: bool = False


def limits_of(judging: Judging) -> Limits:
    """What the run allows. UsageError names a class that there is not."""
    try:
        return Limits(late_after_ms=judging.late_after_ms, **judging.allow)
    except TypeError:
        known = ", ".join(field.name for field in fields(Limits) if field.name != "late_after_ms")
        raise UsageError(f"--allow takes {known}; got {', '.join(judging.allow)}") from None
