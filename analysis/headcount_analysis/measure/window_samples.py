"""Samples: measurements of parts of a run, for the thresholds on these parts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from headcount.thresholds.grammar import Window
from headcount_analysis.classes_and_flags import Counts
from headcount_analysis.measure.clocks import ClockOffset
from headcount_analysis.measure.histogram import Bucket, counted, distributions
from headcount_analysis.measure.run_span import RunSpan
from headcount_analysis.messages.timestamps import Unit
from headcount_analysis.reconciliation import attempt_counts
from headcount_analysis.reconciliation.attempt_counts import Checkable
from headcount_analysis.reconciliation.order_counts import Order, ordered_by_type

_SHARE_OF_WINDOW = 0.05
_LEAST_ERROR_S = 0.05
"""If clocks agree to within this time, every request can be assigned to its part of the run."""
_LONGEST_OF_SHORT_WINDOW_S, _SHARE_OF_SHORT_WINDOW = 1.0, 0.2


@dataclass(frozen=True, slots=True)
class WindowSample:
    """Measurements of a part of the run: counts, durations by event type, and length in seconds.

    `unfilled` says that the run ended before the part did; `unplaced` says why it is unknown which
    requests belong to the part. The length is within `seconds_bounds`, and `time_doubt` says why it
    is uncertain; without bounds, it is exact. `idle_s` is how much longer the schedule of `--rate`
    lasted than the run's requests, and `idle_doubt` says why. `ordered` counts by event type the
    events that a later one could have overtaken. The last five fields cover the whole run:
    `rowless` counts its attempts without a row, `clocks` has its clock offsets, and `unusable`
    counts its unusable timestamps. `order` counts the events that have an order; it is None if they
    were not counted. `compares_content` says whether the content of messages was compared.
    """

    by_event_type: Mapping[str, Counts]
    buckets: tuple[Bucket, ...]
    seconds: float
    checkable: Mapping[str, Checkable] = field(default_factory=dict)
    unfilled: str = ""
    unplaced: str = ""
    seconds_bounds: tuple[float, float] | None = None
    time_doubt: str = ""
    idle_s: float = 0.0
    idle_doubt: str = ""
    ordered: Mapping[str, int] = field(default_factory=dict)
    rowless: Counts = field(default_factory=Counts)
    clocks: tuple[ClockOffset, ...] = ()
    unusable: Mapping[Unit, int] = field(default_factory=dict)
    order: Order | None = None
    compares_content: bool = True


def samples(
    windows: Iterable[Window],
    whole: WindowSample,
    fates: Path,
    time: RunSpan | None,
    event_types: Sequence[str],
) -> dict[Window, WindowSample]:
    """Measure parts of the run; each is a pass over the fates.

    Args:
        windows: The parts.
        whole: The measurements of the whole run, without its length.
        fates: The path of `fates.parquet`.
        time: The run's time; None if no request was sent.
        event_types: The known event types; all others count as `(unknown)`.
    """
    wanted = set(windows)
    if time is None:
        nothing = WindowSample({}, (), 0.0)
        return {window: whole if window.is_whole else nothing for window in wanted}
    seen = sum(part.seen for part in whole.checkable.values())
    by_window = {}
    for window in wanted:
        start, end = _bounds_ns(window, time)
        is_in = time.is_sent_between(start, end)
        part = whole
        if not window.is_whole:
            part = _measured(_rows(fates, is_in), whole, event_types)
        if whole.order is not None:
            part = replace(part, ordered=ordered_by_type(fates, seen, event_types, is_in))
        by_window[window] = _timed(part, window, time)
    return by_window


def _bounds_ns(window: Window, time: RunSpan) -> tuple[int, int]:
    start = time.first_ns + round(window.after_s * 1e9)
    return start, time.last_ns + 1 if window.for_s is None else start + round(window.for_s * 1e9)


def _timed(part: WindowSample, window: Window, time: RunSpan) -> WindowSample:
    """Add the length of a part of the run, and how certain that is."""
    if window.is_whole:
        shortest_s = max(time.longest_ns / 1e9, time.seconds - time.error_ns / 1e9)
        return replace(
            part,
            seconds=time.seconds,
            seconds_bounds=(shortest_s, time.seconds + time.error_ns / 1e9),
            time_doubt=time.doubt,
        )
    start, end = _bounds_ns(window, time)
    seconds = max(0.0, (min(end, time.last_ns) - start) / 1e9)
    error_s = time.error_ns / 1e9
    is_apart = error_s > max(_tolerated_s(seconds), _LEAST_ERROR_S)
    return replace(
        part,
        seconds=seconds,
        seconds_bounds=(max(0.0, seconds - error_s), seconds + error_s),
        time_doubt=time.doubt,
        unplaced=time.doubt if is_apart else "",
        unfilled=unfilled(window, time.seconds),
    )


def unfilled(window: Window, run_s: float) -> str:
    """Explain that a run of this length ended before the part did; empty if it did not.

    A part without an end is unfilled only if the run ended before the part began. The last request
    ends a little before the run does. So up to a twentieth of the part may be missing; if the part
    is short, up to a fifth of it, but no more than a second.
    """
    end_s = window.after_s + (window.for_s or 0.0)
    if end_s - run_s <= _tolerated_s(window.for_s or 0.0):
        return ""
    edge = "begins" if window.for_s is None else "ends"
    return f"the run ended after {run_s:,.1f} s, and this part of it {edge} after {end_s:,g} s"


def _tolerated_s(length_s: float) -> float:
    """Return how many s of a part of the run may be missing, or may belong to another part."""
    short_s = min(_LONGEST_OF_SHORT_WINDOW_S, _SHARE_OF_SHORT_WINDOW * length_s)
    return max(_SHARE_OF_WINDOW * length_s, short_s)


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
