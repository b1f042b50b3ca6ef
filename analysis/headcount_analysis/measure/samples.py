"""Samples: measurements of parts of a run, for the thresholds on these parts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from headcount.thresholds.grammar import Window
from headcount_analysis.classes_and_flags import Counts
from headcount_analysis.compare_run import attempt_counts
from headcount_analysis.compare_run.attempt_counts import Checkable
from headcount_analysis.compare_run.order_counts import Order, ordered_by_type
from headcount_analysis.measure.clocks import ClockOffset
from headcount_analysis.measure.histogram import Bucket, counted, distributions
from headcount_analysis.messages.timestamps import Unit

_SHARE_OF_WINDOW = 0.05
_LONGEST_OF_SHORT_WINDOW_S, _SHARE_OF_SHORT_WINDOW = 1.0, 0.2


@dataclass(frozen=True, slots=True)
class WindowSample:
    """Measurements of a part of the run: counts, durations by event type, and length in seconds.

    `unfilled` says that the run ended before the part did. `ordered` counts by event type the
    events that could be found reordered. The last four cover the whole run: its attempts without a
    row, clock offsets and unusable timestamps, and the events that have an order, None if not
    counted.
    """

    by_event_type: Mapping[str, Counts]
    buckets: tuple[Bucket, ...]
    seconds: float
    checkable: Mapping[str, Checkable] = field(default_factory=dict)
    unfilled: str = ""
    ordered: Mapping[str, int] = field(default_factory=dict)
    rowless: Counts = field(default_factory=Counts)
    clocks: tuple[ClockOffset, ...] = ()
    unusable: Mapping[Unit, int] = field(default_factory=dict)
    order: Order | None = None


def samples(
    windows: Iterable[Window],
    whole: WindowSample,
    fates: Path,
    span_ns: tuple[int, int] | None,
    event_types: Sequence[str],
) -> dict[Window, WindowSample]:
    """Measure parts of the run; each is a pass over the fates.

    Args:
        windows: The parts.
        whole: The measurements of the whole run, without its length.
        fates: The path of `fates.parquet`.
        span_ns: When the first request was sent and the last one ended; None if none was sent.
        event_types: The known event types; all others count as `(unknown)`.
    """
    wanted = set(windows)
    if span_ns is None:
        return dict.fromkeys(wanted, WindowSample({}, (), 0.0))
    first, last = span_ns
    run_s = (last - first) / 1e9
    seen = sum(part.seen for part in whole.checkable.values())
    by_window = {}
    for window in wanted:
        start = first + round(window.after_s * 1e9)
        end = last + 1 if window.for_s is None else start + round(window.for_s * 1e9)
        is_in = _is_sent_between(start, end)
        if window.is_whole:
            part = replace(whole, seconds=run_s)
        else:
            seconds = max(0.0, (min(end, last) - start) / 1e9)
            part = _measured(_rows(fates, is_in), whole, event_types)
            part = replace(part, seconds=seconds, unfilled=unfilled(window, run_s))
        if whole.order is not None:
            part = replace(part, ordered=ordered_by_type(fates, seen, event_types, is_in))
        by_window[window] = part
    return by_window


def unfilled(window: Window, run_s: float) -> str:
    """Explain that a run of this length ended before the part did; empty if it did not.

    The last request ends a little before the run does. So up to a twentieth of the part may be
    missing; if the part is short, up to a fifth of it, but no more than a second.
    """
    end_s = window.after_s + (window.for_s or 0.0)
    short_s = min(_LONGEST_OF_SHORT_WINDOW_S, _SHARE_OF_SHORT_WINDOW * (window.for_s or 0.0))
    tolerated_s = max(_SHARE_OF_WINDOW * (window.for_s or 0.0), short_s)
    if end_s - run_s <= tolerated_s:
        return ""
    edge = "begins" if window.for_s is None else "ends"
    return f"the run ended after {run_s:,.1f} s, and this part of it {edge} after {end_s:,g} s"


def _is_sent_between(start_ns: int, end_ns: int) -> pc.Expression:
    sent = pc.field("sent_at_ns")
    return (sent >= start_ns) & (sent < end_ns)


def _rows(fates: Path, is_in: pc.Expression) -> Iterator[pa.Table]:
    scanner = ds.dataset(fates, format="parquet").scanner(filter=is_in)
    return (pa.Table.from_batches([batch]) for batch in scanner.to_batches() if len(batch))


def _measured(
    parts: Iterable[pa.Table], whole: WindowSample, event_types: Sequence[str]
) -> WindowSample:
    attempts, durations = [], []
    for part in parts:
        attempts.append(attempt_counts.of_fates(part, event_types))
        durations.append(counted(part, event_types))
    merged = attempt_counts.merged_attempts(attempts)
    return replace(
        whole,
        by_event_type=merged.by_event_type,
        buckets=distributions(durations),
        checkable=merged.checkable,
    )
