"""The table by event type: a row each, with its requests, its classes and how fast it was."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from headcount.ledger.event_types import TOTAL
from headcount.thresholds.percentiles import FEW_QUANTILES, percentile_name
from headcount_analysis.classes_and_flags import COUNT_KEYS
from headcount_analysis.measure.histogram import Measure
from headcount_analysis.measure.latency import Latency
from headcount_analysis.report.exception_kinds import WORST_FIRST
from headcount_analysis.report.html.exception_links import link
from headcount_analysis.report.html.page_tables import LONGEST_CELL
from headcount_analysis.report.model import Report

_ALWAYS = frozenset({"attempted", "delivered", "lost", "duplicated"})
_OUTCOMES = frozenset({"acked", "failed", "indeterminate"})
"""These have no columns: each class but `duplicated` belongs to one outcome, so they add little."""

_MARKED = frozenset(COUNT_KEYS) - {"attempted", "delivered"}
_MISSING = "-"


@dataclass(frozen=True, slots=True)
class SlowestType:
    """The event type with the greatest percentile of its HTTP durations."""

    event_type: str
    aggregate: str
    ms: float


@dataclass(frozen=True, slots=True)
class TypeCell:
    """A cell: what is shown, the number to sort by, and the class that colours it, if any.

    `href` leads to the rows that it counts, empty if none are listed.
    """

    text: str
    number: float
    kind: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class TypeRow:
    """An event type; `widths` has its percentiles by name, in percent of the table's greatest."""

    event_type: str
    requests: str
    counts: tuple[TypeCell, ...]
    percentiles: tuple[TypeCell, ...]
    widths: Mapping[str, float]
    is_slowest: bool = False

    @property
    def is_total(self) -> bool:
        """Whether it sums up the others."""
        return self.event_type == TOTAL


@dataclass(frozen=True, slots=True)
class TypeTable:
    """The headers of counts and percentiles, and the rows, with a total if there are several."""

    counts: tuple[str, ...]
    percentiles: tuple[str, ...]
    rows: tuple[TypeRow, ...]
    has_requests: bool

    @property
    def lacks_percentiles(self) -> bool:
        """Whether a row has too few requests for one of the percentiles."""
        return any(cell.text == _MISSING for row in self.rows for cell in row.percentiles)


def type_table(report: Report) -> TypeTable:
    """Make the table of a report: classes of event types, and percentiles with enough samples."""
    groups = dict(report.by_event_type)
    if report.counts is not None and len(groups) > 1:
        groups[TOTAL] = report.counts
    values = {name: counts.as_dict() for name, counts in groups.items()}
    of_types = [row for name, row in values.items() if name != TOTAL]
    shown = tuple(
        key
        for key in COUNT_KEYS
        if key in _ALWAYS or (key not in _OUTCOMES and any(row[key] for row in of_types))
    )
    of_type = {
        latency.event_type: latency
        for latency in report.latencies
        if latency.measure is Measure.HTTP
    }
    known = {name: enough_percentiles(of_type.get(name)) for name in groups}
    longest_ms = max(
        (ms for percentiles in known.values() for ms in percentiles.values()), default=0.0
    )
    slowest = slowest_type(of_type.values())
    rows = tuple(
        TypeRow(
            name if len(name) <= LONGEST_CELL else f"{name[:LONGEST_CELL]}…",
            ", ".join(report.endpoints.get(name, ())),
            tuple(_counts(name, values[name], shown)),
            tuple(_durations(known[name]) if of_type else ()),
            {
                percentile_name(quantile): _share(ms, longest_ms)
                for quantile, ms in known[name].items()
            },
            slowest is not None and slowest.event_type == name,
        )
        for name in groups
    )
    names = tuple(map(percentile_name, FEW_QUANTILES)) if of_type else ()
    return TypeTable(shown, names, rows, any(row.requests for row in rows))


def _counts(event_type: str, values: Mapping[str, int], shown: Iterable[str]) -> Iterator[TypeCell]:
    of_type = {} if event_type == TOTAL else {"type": event_type}
    for key in shown:
        is_marked = values[key] > 0 and key in _MARKED
        href = link({"class": key, **of_type}) if is_marked and key in WORST_FIRST else ""
        yield TypeCell(f"{values[key]:,}", values[key], key if is_marked else "", href)


def _share(ms: float, longest_ms: float) -> float:
    return 100 * ms / longest_ms if longest_ms > 0 else 0.0


def _durations(known: Mapping[float, float]) -> Iterator[TypeCell]:
    for quantile in FEW_QUANTILES:
        ms = known.get(quantile)
        yield TypeCell(_MISSING, -1) if ms is None else TypeCell(f"{ms:,.1f}", ms)


def slowest_type(latencies: Iterable[Latency]) -> SlowestType | None:
    """Return the slowest of several event types, by the highest percentile that all have.

    Event types with too few requests for any percentile do not count.
    """
    of_types = [
        latency
        for latency in latencies
        if latency.measure is Measure.HTTP
        and latency.event_type != TOTAL
        and enough_percentiles(latency)
    ]
    if len(of_types) < 2:  # noqa: PLR2004 - a single type has nothing to be compared with
        return None
    quantile = min(max(enough_percentiles(latency)) for latency in of_types)
    slowest = max(of_types, key=lambda latency: latency.percentiles[quantile])
    return SlowestType(slowest.event_type, percentile_name(quantile), slowest.percentiles[quantile])


def enough_percentiles(latency: Latency | None) -> dict[float, float]:
    """Return the percentiles with enough samples: at least one sample ranks above each."""
    if latency is None:
        return {}
    return {
        quantile: latency.percentiles[quantile]
        for quantile in FEW_QUANTILES
        if latency.count * (1 - quantile) >= 1 - 1e-9
    }
