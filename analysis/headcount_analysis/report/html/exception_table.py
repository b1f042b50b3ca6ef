"""The table of exceptions: the columns that fit and are not empty, and the filters of its rows.

Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from headcount.run.request_outcome import Outcome
from headcount.run.trace_url import trace_link
from headcount_analysis.classes_and_flags import Fate
from headcount_analysis.reconciliation.attempt_counts import answer_of
from headcount_analysis.reconciliation.reach import PRESENT
from headcount_analysis.report.exception_kinds import kind_of, names_of
from headcount_analysis.report.exceptions_csv import COLUMNS
from headcount_analysis.report.html.exception_links import anchor
from headcount_analysis.report.html.exception_steps import (
    ExceptionStep,
    clock,
    flag_texts,
    place,
    steps_of,
)
from headcount_analysis.report.shown_exceptions import Exceptions

LONGEST_CELL = 160
"""Longer texts are truncated: texts from outside may be of any length."""

MOST_OPTIONS = 200

_UNACKED = frozenset({Outcome.FAILED, Outcome.INDETERMINATE})
_IN_TOPIC = "in topic"

_MS_PER_NS = 1_000_000
_BESIDES = {
    Fate.GHOST: ", yet in topic",
    Fate.RECOVERED: ", in topic",
    Fate.ABSENT: ", not in topic",
}


@dataclass(frozen=True, slots=True)
class ExceptionColumn:
    """A column: its name, and its class in the style sheet."""

    name: str
    style: str


_COLUMNS = (
    ExceptionColumn("time", "at"),
    ExceptionColumn("class", "class"),
    ExceptionColumn("event type", "type"),
    ExceptionColumn("what happened", "what"),
    ExceptionColumn("acknowledged at", "acked"),
    ExceptionColumn("found at", "found"),
    ExceptionColumn("process", "process"),
    ExceptionColumn("id", "id"),
)


@dataclass(frozen=True, slots=True)
class ExceptionRow:
    """A row: its classes and flags, its cells, its steps, and what it is filtered by.

    `trace` is the URL of the request's trace, empty if there is none. `anchors` are the links that
    lead here without a script. `at_ms` is a Unix time, empty if it is unknown.
    """

    names: tuple[str, ...]
    cells: tuple[str, ...]
    steps: tuple[ExceptionStep, ...]
    trace: str
    at_ms: str
    filters: Mapping[str, str]
    anchors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExceptionTable:
    """The table; `options` are the values of each filter, `day` the date if all rows share one."""

    columns: tuple[ExceptionColumn, ...]
    rows: tuple[ExceptionRow, ...]
    options: Mapping[str, Sequence[str]]
    day: str


def exception_table(exceptions: Exceptions, trace_url: str = "") -> ExceptionTable:
    """Make the table, in the order of the exceptions; `trace_url` leads to their traces."""
    rows = exceptions.shown.itertuples(index=False)
    records = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    days = sorted({_iso(record)[:10] for record in records if _iso(record)})
    cells = [_cells(record, has_date=len(days) > 1) for record in records]
    filled = {name for cell in cells for name, text in cell.items() if text}
    if "acknowledged at" in filled:
        # The steps show the place. It needs its own column only if no row has `acknowledged at`.
        filled -= {"found at"}
    columns = [column for column in _COLUMNS if column.name in filled]
    anchors: set[str] = set()
    table = [
        _row(record, tuple(texts[column.name] for column in columns), anchors, trace_url)
        for record, texts in zip(records, cells, strict=True)
    ]
    day = days[0] if len(days) == 1 else ""
    return ExceptionTable(tuple(columns), tuple(table), _options(table), day)


def _cells(record: Mapping[str, object], *, has_date: bool) -> dict[str, str]:
    iso = _iso(record)
    cells = {
        "time": f"{iso[5:10]} {clock(iso)}" if has_date and iso else clock(iso),
        "class": ", ".join(_names(record)),
        "event type": str(record["event_type"]),
        "what happened": what_happened(record),
        "acknowledged at": place(record, "acked"),
        "found at": place(record),
        "process": str(record["server"]),
        "id": str(record["id"]),
    }
    return {name: short(text) for name, text in cells.items()}


def what_happened(record: Mapping[str, object]) -> str:
    """Describe an exception: how far it got, and what is wrong with its message."""
    flags = str(record["flags"]).split()
    reach = _IN_TOPIC if flags and record["where"] == PRESENT else record["where"]
    parts = [f"{reach}{_BESIDES.get(record['class'], '')}"]  # type: ignore[call-overload]
    if "corrupted" in flags:
        fields = str(record["differing_fields"]).replace("; ", ", ")
        parts.append(f"differs in {fields}" if fields else "content differs")
    parts += flag_texts(flags)
    return "; ".join(parts)


def short(text: str) -> str:
    """Truncate a text that comes from outside."""
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}…"


def _names(record: Mapping[str, object]) -> list[str]:
    return names_of(kind_of(str(record["class"]) or None, str(record["flags"])))


def _iso(record: Mapping[str, object]) -> str:
    return str(record["sent_at"] or record["broker_at"])


def _row(
    record: Mapping[str, object], cells: tuple[str, ...], anchors: set[str], trace_url: str
) -> ExceptionRow:
    partition = (
        record["partition"] if record["acked_partition"] == "" else record["acked_partition"]
    )
    sent_at_ns, broker_at_ms = record["sent_at_ns"], record["broker_at_ms"]
    filters = {
        "type": short(str(record["event_type"])),
        "partition": str(partition),
        "process": short(str(record["server"])),
        "error": _error(record),
    }
    new = [name for name in _anchors(_names(record), filters) if name not in anchors]
    anchors.update(new)
    return ExceptionRow(
        tuple(_names(record)),
        cells,
        steps_of(record),
        trace_link(trace_url, str(record["id"])),
        str(int(str(sent_at_ns)) // _MS_PER_NS if sent_at_ns else broker_at_ms),
        filters,
        tuple(new),
    )


def _error(record: Mapping[str, object]) -> str:
    """Return the response to an unacknowledged request, as the list of errors names it."""
    if record["outcome"] not in _UNACKED:
        return ""
    return short(answer_of(record["http_status"], str(record["error"])))


def _anchors(names: Sequence[str], filters: Mapping[str, str]) -> Iterator[str]:
    for name in names:
        yield anchor({"class": name})
        for key, value in filters.items():
            if value:
                yield anchor({"class": name, key: value})


def _by_number(text: str) -> tuple[int, str]:
    return (len(text) if text.isdigit() else LONGEST_CELL), text


def _options(rows: Sequence[ExceptionRow]) -> dict[str, list[str]]:
    """Return the values of each filter; none if there is only one, or too many."""
    values = {
        name: {row.filters[name] for row in rows} - {""}
        for name in ("type", "partition", "process", "error")
    }
    return {
        name: sorted(known, key=_by_number) if 1 < len(known) <= MOST_OPTIONS else []
        for name, known in values.items()
    }
