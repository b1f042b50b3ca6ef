"""The table of HTTP phases by event type: times to the first byte, and to open connections."""

from collections.abc import Mapping
from dataclasses import dataclass

from headcount.ledger.event_types import TOTAL
from headcount.thresholds.percentiles import FEW_QUANTILES, percentile_name
from headcount_analysis.measure.histogram import Measure
from headcount_analysis.measure.latency import Latency
from headcount_analysis.report.html.page_tables import LONGEST_CELL
from headcount_analysis.report.html.type_rows import TypeCell, enough_percentiles
from headcount_analysis.report.model import Report

_OF_CONNECTIONS = (0.5, 0.99)
_COLUMNS = (
    *((Measure.FIRST_BYTE, quantile) for quantile in FEW_QUANTILES),
    (Measure.CONNECT, None),
    *((Measure.CONNECT, quantile) for quantile in _OF_CONNECTIONS),
    *((Measure.TLS, quantile) for quantile in _OF_CONNECTIONS),
)
"""The columns: percentiles in ms, and how many connections were opened. Those without any value
above 0 are not shown."""

_CONNECTIONS = "connections opened"
_MISSING = TypeCell("-", -1)


@dataclass(frozen=True, slots=True)
class PhaseRow:
    """An event type and its cells, one for each column."""

    event_type: str
    cells: tuple[TypeCell, ...]
    is_total: bool = False


@dataclass(frozen=True, slots=True)
class PhaseTable:
    """The header of the columns, and the rows; both are empty if no phase was measured."""

    columns: tuple[str, ...] = ()
    rows: tuple[PhaseRow, ...] = ()

    @property
    def has_connections(self) -> bool:
        """Whether a request opened a connection."""
        return _CONNECTIONS in self.columns

    @property
    def has_tls(self) -> bool:
        """Whether such a connection had TLS."""
        return any(name.startswith(Measure.TLS.words) for name in self.columns)

    @property
    def lacks_percentiles(self) -> bool:
        """Whether a row has too few values for one of the percentiles."""
        return any(cell == _MISSING for row in self.rows for cell in row.cells)


def phase_table(report: Report) -> PhaseTable:
    """Make the table of a report: event types and columns for which something was measured."""
    known = {(latency.event_type, latency.measure): latency for latency in report.latencies}
    names = [*report.by_event_type, *([TOTAL] if len(report.by_event_type) > 1 else [])]
    rows = {name: tuple(_cell(known, name, column) for column in _COLUMNS) for name in names}
    rows = {name: cells for name, cells in rows.items() if any(map(_says_something, cells))}
    shown = [
        index
        for index in range(len(_COLUMNS))
        if any(_says_something(cells[index]) for cells in rows.values())
    ]
    return PhaseTable(
        tuple(_title(*_COLUMNS[index]) for index in shown),
        tuple(
            PhaseRow(
                name if len(name) <= LONGEST_CELL else f"{name[:LONGEST_CELL]}…",
                tuple(cells[index] for index in shown),
                name == TOTAL,
            )
            for name, cells in rows.items()
        ),
    )


def _says_something(cell: TypeCell) -> bool:
    return cell.number > 0


def _title(measure: Measure, quantile: float | None) -> str:
    return _CONNECTIONS if quantile is None else f"{measure.words} {percentile_name(quantile)}"


def _cell(
    known: Mapping[tuple[str, Measure], Latency],
    event_type: str,
    column: tuple[Measure, float | None],
) -> TypeCell:
    measure, quantile = column
    latency = known.get((event_type, measure))
    if quantile is None:
        count = 0 if latency is None else latency.count
        return TypeCell(f"{count:,}", count)
    ms = enough_percentiles(latency).get(quantile)
    return _MISSING if ms is None else TypeCell(f"{ms:,.2f}", ms)
