"""Sentences about counts that both the page and the Markdown summary contain."""

from headcount_analysis.classes_and_flags import ATTEMPT_FATES, Counts
from headcount_analysis.report.shown_exceptions import Exceptions


def sum_of_classes(counts: Counts | None) -> str:
    """Format the attempts as the sum of their classes."""
    if counts is None:
        return "Nothing could be counted."
    parts = [f"{count:,} {name}" for name, count in classes_of(counts)]
    return f"{counts.attempted:,} attempted = {' + '.join(parts) or '0'}"


def classes_of(counts: Counts | None) -> list[tuple[str, int]]:
    """Return the classes that occur, with their counts."""
    values = {} if counts is None else counts.as_dict()
    return [(fate.value, values[fate]) for fate in ATTEMPT_FATES if values.get(fate)]


def counted_exceptions(exceptions: Exceptions) -> str:
    """Summarize the exceptions by kind."""
    kinds = ", ".join(f"{count:,} {name}" for name, count in exceptions.counts.items())
    return f"{exceptions.count:,} exceptions: {kinds}. exceptions.csv has all of them."


def selected_exceptions(exceptions: Exceptions) -> str:
    """Say how many of the exceptions are shown."""
    shown, count = len(exceptions.shown), exceptions.count
    if shown == count:
        return f"All {count:,} are listed below, and in exceptions.csv."
    return (
        f"{shown:,} of {count:,} are listed below, up to {exceptions.most} of each kind, evenly "
        "spread; exceptions.csv has all of them."
    )
