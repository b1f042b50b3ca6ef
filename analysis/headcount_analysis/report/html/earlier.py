"""The comparison with the previous run of the same scenario, for the first screen."""

from collections.abc import Iterator
from dataclasses import dataclass

from headcount.ledger.event_types import TOTAL
from headcount.run.utc import clock_text
from headcount.run.verdict import Label
from headcount_analysis.measure.histogram import Measure
from headcount_analysis.report.earlier_run import EarlierDocument, EarlierRun
from headcount_analysis.report.model import Report

FACTS = (
    *("lost", "duplicated", "ghost", "phantom", "corrupted", "garbled", "reordered"),
    *("late", "misplaced", "malformed"),
)
"""The classes that are compared; unlike durations they are counted, not sampled."""

_ALWAYS = "lost"
_MOST_OPTIONS = 5


@dataclass(frozen=True, slots=True)
class EarlierChange:
    """Figures of both runs, the earlier one first; `assessment` is worse, better or empty."""

    text: str
    assessment: str = ""


@dataclass(frozen=True, slots=True)
class EarlierLine:
    """What the first screen says about the previous run."""

    run_id: str
    href: str
    began: str
    label: str
    changes: tuple[EarlierChange, ...]
    caveat: str


def earlier_line(report: Report) -> EarlierLine | None:
    """Compare a report with the previous run; None if there is none, or nothing was counted."""
    earlier = report.previous
    if earlier is None or earlier.document.counts is None or report.counts is None:
        return None
    document = earlier.document
    return EarlierLine(
        document.run_id,
        earlier.href,
        clock_text(document.created_at),
        document.label.value,
        (*_classes(report, document), *_speed(report, document)),
        _caveat(report, earlier),
    )


def _classes(report: Report, document: EarlierDocument) -> Iterator[EarlierChange]:
    """Yield what got worse, what got better, and the losses if they are the same.

    In an inconclusive run, less of a class proves nothing.
    """
    assert report.counts is not None
    now, before = report.counts.as_dict(), document.counts or {}
    texts: dict[str, list[str]] = {"worse": [], "better": []}
    for name in FACTS:
        count, earlier = now[name], before.get(name, 0)
        if count != earlier:
            texts["worse" if count > earlier else "better"].append(
                f"{name} {earlier:,} → {count:,}"
            )
        elif name == _ALWAYS:
            yield EarlierChange(f"{count:,} {name}, as before")
    if report.label is Label.INCONCLUSIVE:
        del texts["better"]
    for assessment, changed in texts.items():
        if changed:
            yield EarlierChange(f"{assessment}: {', '.join(changed)}", assessment)


def _speed(report: Report, document: EarlierDocument) -> Iterator[EarlierChange]:
    now = next(
        (
            latency
            for latency in report.latencies
            if latency.event_type == TOTAL and latency.measure is Measure.HTTP
        ),
        None,
    )
    before = next(
        (
            latency
            for latency in document.latency_ms
            if latency.event_type == TOTAL and latency.measure == Measure.HTTP.value
        ),
        None,
    )
    before_ms = None if before is None else before.percentiles.get("0.99")
    if now is not None and before_ms is not None:
        ms = now.percentiles[0.99]
        change = f" ({_percent(ms, before_ms)})" if before_ms > 0 else ""
        yield EarlierChange(f"HTTP p99 {before_ms:,.1f} → {ms:,.1f} ms{change}")
    rate = report.rates.achieved_per_s
    if rate is not None and before is not None and before.achieved_per_s is not None:
        yield EarlierChange(f"rate {before.achieved_per_s:,.1f} → {rate:,.1f}/s")


def _percent(now: float, before: float) -> str:
    return f"{100 * (now / before - 1):+,.0f} %"


def _caveat(report: Report, earlier: EarlierRun) -> str:
    """Return what limits the comparison: another load, or that it is one run per side."""
    names = earlier.other_options(report.manifest.options)
    if names:
        shown = ", ".join(name.replace("_", " ") for name in names[:_MOST_OPTIONS])
        more = f" and {len(names) - _MOST_OPTIONS} more" if len(names) > _MOST_OPTIONS else ""
        return f"Its options differ: {shown}{more}."
    return "One run per side can't separate a small change in speed from noise."
