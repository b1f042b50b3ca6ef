"""Tables for programs and spreadsheets, as pandas frames and CSV."""

from datetime import UTC, datetime

import pandas as pd

from analysis.classes import COUNT_KEYS, Counts
from analysis.latency import PERCENTILES, TOTAL
from analysis.report.model import Report

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def summary(report: Report) -> pd.DataFrame:
    """Give a row per event type and one for the total: event_type string, each count an integer."""
    rows = [(name, *_values(counts)) for name, counts in report.by_event_type.items()]
    if report.counts is not None:
        rows.append((TOTAL, *_values(report.counts)))
    return pd.DataFrame(rows, columns=["event_type", *COUNT_KEYS])


def latency(report: Report) -> pd.DataFrame:
    """Give a row per event type and measure, the total last; durations in ms."""
    rows = [
        (
            each.event_type,
            each.measure.value,
            each.count,
            each.negative,
            *(round(ms, 3) for ms in (each.min_ms, each.mean_ms, *each.percentiles.values())),
            round(each.max_ms, 3),
        )
        for each in report.latencies
    ]
    names = [percentile_name(quantile) for quantile in PERCENTILES]
    durations = [f"{name}_ms" for name in ("min", "mean", *names, "max")]
    return pd.DataFrame(rows, columns=["event_type", "measure", "count", "negative", *durations])


def percentile_name(quantile: float) -> str:
    """Name a quantile, such as p99.9."""
    return f"p{quantile * 100:g}"


def iso_time(at_ns: int) -> str:
    """Write a point of Unix time in UTC, to the ms."""
    return datetime.fromtimestamp(at_ns / 1e9, UTC).isoformat(timespec="milliseconds")


def csv(frame: pd.DataFrame, *, header: bool = True) -> str:
    """Write a table as CSV, its text harmless to spreadsheets."""
    safe = frame.copy()
    for name in safe.select_dtypes(include=["object", "string"]).columns:
        safe[name] = safe[name].map(harmless, na_action="ignore")
    return safe.to_csv(index=False, header=header, lineterminator="\n")


def harmless(text: object) -> object:
    """Keep a spreadsheet from taking a text from outside for a formula (CWE-1236)."""
    if isinstance(text, str) and text.startswith(_FORMULA_STARTS):
        return f"'{text}"
    return text


def _values(counts: Counts) -> tuple[int, ...]:
    return tuple(counts.as_dict().values())
