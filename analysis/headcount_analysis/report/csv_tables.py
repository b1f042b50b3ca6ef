"""Tables for programs and spreadsheets, as pandas frames and CSV."""

from dataclasses import asdict
from datetime import UTC, datetime

import pandas as pd

from headcount.ledger.event_types import TOTAL
from headcount.thresholds.percentiles import FEW_QUANTILES, PERCENTILE_NAMES, percentile_name
from headcount_analysis.classes_and_flags import COUNT_KEYS, Counts
from headcount_analysis.measure.histogram import WHOLE, Measure
from headcount_analysis.measure.over_time import COUNTED, OverTime
from headcount_analysis.measure.rates import Rates
from headcount_analysis.report.model import Report
from headcount_analysis.state.game.economy import Economy

_STATE_COLUMNS = (
    *("owner", "kind", "name", "expected", "in_topic", "in_database", "stands_alone", "events"),
)
_STATE_EVENT_COLUMNS = (
    *("owner", "kind", "name", "id", "event_type", "class"),
    *("expected_change", "change_in_topic", "partition", "offset"),
)
RATES = tuple(Rates.__slots__)
_STANDS_ALONE = {"": "", "expected": "scenario", "implied": "topic", "stored": "database"}
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def summary(report: Report) -> pd.DataFrame:
    """Return a row per event type and one for the total; event_type is text, the rest integers."""
    rows = [(name, *_values(counts)) for name, counts in report.by_event_type.items()]
    if report.counts is not None:
        rows.append((TOTAL, *_values(report.counts)))
    return pd.DataFrame(rows, columns=["event_type", *COUNT_KEYS])


def latency(report: Report) -> pd.DataFrame:
    """Return a row per event type and measure, the total last; durations in ms.

    Each row ends with the rates of the whole run and with `unanswered`. The rates are floats; the
    target rate is empty if none was set. `unanswered` is the number of durations of requests
    without a response. Such a duration is how long the generator waited.
    """
    rows = [
        (
            of_measure.event_type,
            of_measure.measure.value,
            of_measure.count,
            of_measure.negative,
            *(
                round(ms, 3)
                for ms in (of_measure.min_ms, of_measure.mean_ms, *of_measure.percentiles.values())
            ),
            round(of_measure.max_ms, 3),
        )
        for of_measure in report.latencies
    ]
    durations = [f"{name}_ms" for name in ("min", "mean", *PERCENTILE_NAMES, "max")]
    columns = ["event_type", "measure", "count", "negative", *durations]
    frame = _with_rates(pd.DataFrame(rows, columns=columns), report.rates)
    return frame.assign(unanswered=[of_measure.unanswered for of_measure in report.latencies])


def percentiles(report: Report) -> pd.DataFrame:
    """Return the percentile curves, a row for each point.

    event_type and measure are strings, quantile and ms floats, and count is an integer: how many
    durations are `ms` or less. The curve of all event types together comes last.
    Each row ends with the rates of the whole run, as in `latency`.
    """
    rows = [
        (
            percentile.event_type,
            percentile.measure.value,
            percentile.quantile,
            round(percentile.ms, 6),
            percentile.count,
        )
        for percentile in report.percentiles
    ]
    columns = ["event_type", "measure", "quantile", "ms", "count"]
    return _with_rates(pd.DataFrame(rows, columns=columns), report.rates)


def _with_rates(frame: pd.DataFrame, rates: Rates) -> pd.DataFrame:
    with_rates = frame.assign(**asdict(rates)).astype(dict.fromkeys(RATES, float))
    # Three digits would leave little of a rate such as 10/h.
    return with_rates.round(dict.fromkeys(RATES, 6))


def over_time(report: Report) -> pd.DataFrame:
    """Return a row per slice of the run; all columns are floats.

    elapsed_s and width_s are in seconds. target is empty if no rate was set. The columns of
    COUNTED are rates per second. Percentiles are in ms. They cover the requests that were due in a
    span of latency_width_s that contains the slice, and are empty if there are too few of these.
    """
    course = report.over_time
    widths = {time_slice.width_s for slices in course.latency.values() for time_slice in slices}
    latency_width_s = max(widths, default=None)
    rows = [
        (
            *(time_slice.elapsed_s, course.width_s, time_slice.target),
            *(getattr(time_slice, name) / course.width_s for name in COUNTED),
            latency_width_s,
            *(
                ms
                for measure in WHOLE
                for ms in _percentiles(course, measure, time_slice.elapsed_s)
            ),
        )
        for time_slice in course.slices
    ]
    names = [*(percentile_name(quantile) for quantile in FEW_QUANTILES), "max"]
    durations = [f"{measure}_{name}_ms" for measure in WHOLE for name in names]
    columns = ["elapsed_s", "width_s", "target", *COUNTED, "latency_width_s", *durations]
    return pd.DataFrame(rows, columns=columns, dtype=float).round(3)


def _percentiles(course: OverTime, measure: Measure, elapsed_s: float) -> tuple[float | None, ...]:
    around = course.latency_at(measure, elapsed_s)
    if around is None:
        return (None,) * (len(FEW_QUANTILES) + 1)
    percentiles = (around.percentile_ms(quantile) for quantile in FEW_QUANTILES)
    return (*percentiles, around.percentiles.max_ms)


def of_state(report: Report) -> dict[str, pd.DataFrame | None]:
    """Return the tables of the state by file name; None for a file that the run does not have."""
    is_checked = report.state.numbers > 0
    by_name = {
        "state": state(report) if is_checked else None,
        "state_events": state_events(report) if is_checked else None,
        **dict.fromkeys(Economy.__slots__),
        **(report.economy.tables if report.economy is not None else {}),
    }
    return {f"{name}.csv": frame for name, frame in by_name.items()}


def state(report: Report) -> pd.DataFrame:
    """Return a row for each number of the state that differs.

    owner, kind and name are strings. expected, in_topic and in_database are integers or empty.
    stands_alone names the account that differs from the other two, if these agree. events is the
    number of events.
    """
    rows = [
        (
            *(
                difference.owner,
                difference.kind,
                difference.name,
                difference.expected,
                difference.implied,
                difference.stored,
            ),
            *(_STANDS_ALONE[difference.stands_alone], len(difference.entries)),
        )
        for difference in report.state.differences
    ]
    return pd.DataFrame(rows, columns=list(_STATE_COLUMNS), dtype=object)


def state_events(report: Report) -> pd.DataFrame:
    """Return a row for each event behind a value that differs.

    owner, kind, name, id, event_type and class are strings; expected_change, change_in_topic,
    partition and offset are integers or empty.
    """
    rows = [
        (
            *(
                difference.owner,
                difference.kind,
                difference.name,
                entry.id,
                entry.event_type,
                entry.fate,
            ),
            *(entry.expected, entry.implied, entry.partition, entry.offset),
        )
        for difference in report.state.differences
        for entry in difference.entries
    ]
    return pd.DataFrame(rows, columns=list(_STATE_EVENT_COLUMNS), dtype=object)


def iso_time(at_ns: int) -> str:
    """Format a Unix time in UTC, ISO 8601, to the ms."""
    return datetime.fromtimestamp(at_ns / 1e9, UTC).isoformat(timespec="milliseconds")


def csv(frame: pd.DataFrame, *, header: bool = True) -> str:
    """Format a table as CSV that is safe to open in a spreadsheet."""
    safe = frame.copy()
    for name in safe.select_dtypes(include=["object", "string"]).columns:
        # Series.map would turn integers beside empty values into floats.
        safe[name] = pd.Series([harmless(value) for value in safe[name]], safe.index, object)
    return safe.to_csv(index=False, header=header, lineterminator="\n")


def harmless(text: object) -> object:
    """Quote text from outside that a spreadsheet would read as a formula (CWE-1236)."""
    if isinstance(text, str) and text.startswith(_FORMULA_STARTS):
        return f"'{text}"
    return text


def _values(counts: Counts) -> tuple[int, ...]:
    return tuple(counts.as_dict().values())
