"""The summary as a plain table for the terminal."""

from dataclasses import dataclass

from headcount_analysis.classes_and_flags import COUNT_KEYS
from headcount_analysis.report import csv_tables
from headcount_analysis.report.model import Report

_ALWAYS = ("attempted", "acked", "delivered", "lost")


@dataclass(frozen=True, slots=True)
class Summary:
    """A header, and a row of the same length for each event type and the total, all text."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def summary(report: Report) -> Summary:
    """Return the counts by event type, without columns of zeros."""
    frame = csv_tables.summary(report)
    shown = [key for key in COUNT_KEYS if key in _ALWAYS or frame[key].any()]
    rows = tuple(
        (str(row["event_type"]), *(f"{row[key]:,}" for key in shown))
        for row in frame.to_dict("records")
    )
    return Summary(("event type", *shown), rows)
