"""Sentences: what the page and the Markdown summary both say of a report."""

from headcount_analysis.compare_run.classes import ATTEMPT_FATES, Counts
from headcount_analysis.report.exceptions import SHOWN_OF_A_KIND, Exceptions


def sum_of_classes(counts: Counts | None) -> str:
    """Write the attempts as the sum of their classes."""
    if counts is None:
        return "Nothing could be counted."
    parts = [f"{count:,} {name}" for name, count in classes_of(counts)]
    return f"{counts.attempted:,} attempted = {' + '.join(parts) or '0'}"


def classes_of(counts: Counts | None) -> list[tuple[str, int]]:
    """Return the classes that occur, with their counts."""
    values = {} if counts is None else counts.as_dict()
    return [(fate.value, values[fate]) for fate in ATTEMPT_FATES if values.get(fate)]


def shown_exceptions(exceptions: Exceptions) -> str:
    """Count the exceptions by kind, and say how many of them are shown."""
    kinds = ", ".join(f"{count:,} {name}" for name, count in exceptions.counts.items())
    shown, count = len(exceptions.first), exceptions.count
    some = (
        "All are shown"
        if shown == count
        else (f"{shown:,} are shown, the first {SHOWN_OF_A_KIND} of each class")
    )
    return f"{count:,} requests or ids are exceptions: {kinds}. {some}; all are in exceptions.csv."
