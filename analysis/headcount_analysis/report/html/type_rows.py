"""The table by event type: a row each, with its requests, its classes and how fast it was."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from headcount.ledger.event_types import TOTAL
from headcount.thresholds.percentiles import FEW_QUANTILES, percentile_name
from headcount_analysis.classes_and_flags import COUNT_KEYS, Counts
from headcount_analysis.measure.histogram import Measure
from headcount_analysis.measure.latency import Latency
from headcount_analysis.report.html.page_tables import LONGEST_CELL
from headcount_analysis.report.model import Report

_ALWAYS = frozenset({"attempted", "acked", "delivered", "lost", "duplicated"})
_MISSING = "–"


@dataclass(frozen=True, slots=True)
class SlowestType:
    """The event type with the greatest percentile of its HTTP durations."""

    event_type: str
    aggregate: str
    ms: float


@dataclass(frozen=True, slots=True)
class TypeCell:
    """A cell: what is shown, the number to sort by, and the class that colours it, if any."""

    text: str
    number: float
    kind: str = ""


@dataclass(frozen=True, slots=True)
class TypeRow:
    """An event type; `widths` are the percentiles as shares of the table's greatest, in percent."""

    event_type: str
    requests: str
    cells: tuple[TypeCell, ...]
    widths: tuple[float, ...]
    is_slowest: bool = False


@dataclass(frozen=True, slots=True)
class TypeTable:
    """The header of the columns after the request, the rows, and the total if there are several."""

    counts: tuple[str, ...]
    percentiles: tuple[str, ...]
    rows: tuple[TypeRow, ...]
    has_requests: bool


def type_table(report: Report) -> TypeTable:
    """Make the table of a report: classes that occur, and percentiles with enough samples."""
    groups = dict(report.by_event_type)
    if report.counts is not None and len(groups) > 1:
        groups[TOTAL] = report.counts
    values = {name: counts.as_dict() for name, counts in groups.items()}
    shown = tuple(
        key for key in COUNT_KEYS if key in _ALWAYS or any(row[key] for row in values.values())
    )
    of_type = {each.event_type: each for each in report.latencies if each.measure is Measure.HTTP}
    slowest = slowest_type(of_type.values())
    longest_ms = max(
        (max(_percentiles(of_type.get(name)).values(), default=0.0) for name in groups), default=0.0
    )
    rows = tuple(
        _row(report, name, groups[name], shown, of_type.get(name), longest_ms, slowest)
        for name in groups
    )
    names = tuple(map(percentile_name, FEW_QUANTILES)) if of_type else ()
    return TypeTable(shown, names, rows, any(row.requests for row in rows))


def slowest_type(latencies: Iterable[Latency]) -> SlowestType | None:
    """Return the slowest of several event types, by the highest percentile that all of them have."""
    of_types = [
        each
        for each in latencies
        if each.measure is Measure.HTTP and each.event_type != TOTAL
    ]
    if len(of_types) < 2:  # noqa: PLR2004 - the only one is not the slowest of any
        return None
    known: Sequence[Mapping[float, float]] = [_percentiles(each) for each in of_types]
    common = [quantile for quantile in FEW_QUANTILES if all(quantile in each for each in known)]
    if not common:
        return None
    quantile = common[-1]
    slowest = max(of_types, key=lambda each: each.percentiles[quantile])
    return SlowestType(
        slowest.event_type, percentile_name(quantile), slowest.percentiles[quantile]
    )


def _percentiles(latency: Latency | None) -> dict[float, float]:
    """Return the percentiles for which there are enough samples: one beyond each of them."""
    if latency is None:
        return {}
    return {
        quantile: latency.percentiles[quantile]
        for quantile in FEW_QUANTILES
        if latency.count * (1 - quantile) >= 1 - 1e-9
    }


def _row(
    report: Report,
    name: str,
    counts: Counts,
    shown: Sequence[str],
    latency: Latency | None,
    longest_ms: float,
    slowest: SlowestType | None,
) -> TypeRow:
    values, known = counts.as_dict(), _percentiles(latency)
    cells = [
        TypeCell(f"{values[key]:,}", values[key], key if values[key] else "") for key in shown
    ]
    cells += [
        TypeCell(f"{known[each]:,.1f}", known[each]) if each in known else TypeCell(_MISSING, -1)
        for each in (FEW_QUANTILES if latency is not None else ())
    ]
    return TypeRow(
        name if len(name) <= LONGEST_CELL else f"{name[:LONGEST_CELL]}…",
        ", ".join(report.endpoints.get(name, ())),
        tuple(cells),
        tuple(100 * ms / longest_ms for ms in known.values()) if longest_ms > 0 else (),
        slowest is not None and slowest.event_type == name,
    )
