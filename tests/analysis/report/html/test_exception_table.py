"""The table of exceptions: columns that are not empty, plain words, and the steps of each id."""

import pandas as pd
from headcount_analysis.report.exceptions_csv import COLUMNS
from headcount_analysis.report.html.exception_steps import steps_of
from headcount_analysis.report.html.exception_table import (
    ExceptionTable,
    exception_table,
    what_happened,
)
from headcount_analysis.report.shown_exceptions import Exceptions

MS = 1_000_000
SENT_NS = 1_700_000_000_000 * MS
LOST: dict[str, object] = {
    **dict.fromkeys(COLUMNS, ""),
    "id": "run-1.0.7",
    "class": "lost",
    "where": "acknowledged, not in topic",
    "event_type": "sword",
    "outcome": "acked",
    "http_status": 200,
    "server": "42",
    "acked_partition": 3,
    "acked_offset": 17,
    "copies": 0,
    "intended_at": "2023-11-14T22:13:19.999000Z",
    "sent_at": "2023-11-14T22:13:20.000000Z",
    "answered_at": "2023-11-14T22:13:20.009500Z",
    "intended_at_ns": SENT_NS - MS,
    "sent_at_ns": SENT_NS,
    "answered_at_ns": SENT_NS + 9_500_000,
}
IN_TOPIC: dict[str, object] = {
    "copies": 1,
    "partition": 3,
    "offset": 17,
    "broker_at": "2023-11-14T22:13:20.004000Z",
    "broker_at_ms": 1_700_000_000_004,
}
DELIVERED: dict[str, object] = {
    **LOST,
    **IN_TOPIC,
    "class": "delivered",
    "where": "acknowledged, in topic",
}
PHANTOM: dict[str, object] = {
    **dict.fromkeys(COLUMNS, ""),
    **IN_TOPIC,
    "id": "run-1.0.99",
    "class": "phantom",
    "where": "in topic, never requested",
}
NOT_ACKED = {"acked_partition": "", "acked_offset": ""}


def table_of(*rows: dict[str, object]) -> ExceptionTable:
    """Make the table of some rows."""
    shown = pd.DataFrame(list(rows), columns=list(COLUMNS), dtype=object)
    return exception_table(Exceptions({}, shown))


def steps(row: dict[str, object]) -> list[str]:
    """Return the steps of an exception as lines; what is wrong has a mark."""
    return [f"{'!' if step.is_wrong else ''}{step.name}: {step.text}" for step in steps_of(row)]


def test_a_trace_is_a_link() -> None:
    """If the run says where traces are; a phantom's id may be any text, which is no link."""
    trace_id = "0123456789abcdef0123456789abcdef"
    shown = pd.DataFrame([{**LOST, "id": trace_id}, PHANTOM], columns=list(COLUMNS), dtype=object)
    table = exception_table(Exceptions({}, shown), "https://traces.test/{trace_id}")
    assert [row.trace for row in table.rows] == [f"https://traces.test/{trace_id}", ""]
    assert [row.trace for row in table_of(LOST).rows] == [""]


def test_a_row_has_what_fits() -> None:
    """Time, class, type, what happened, acknowledged place, process, id; nothing is empty."""
    table = table_of(LOST, PHANTOM)
    assert [column.name for column in table.columns] == [
        *("time", "class", "event type", "what happened", "acknowledged at", "process", "id"),
    ]
    lost, phantom = table.rows
    assert lost.cells == (
        *("22:13:20.000", "lost", "sword", "acknowledged, not in topic", "3@17", "42", "run-1.0.7"),
    )
    assert phantom.cells[:2] == ("22:13:20.004", "phantom")
    assert (lost.at_ms, phantom.at_ms) == ("1700000000000", "1700000000004")
    assert (lost.filters["partition"], phantom.filters["partition"]) == ("3", "3")
    assert table.day == "2023-11-14"


def test_columns_without_any_text_are_left_out() -> None:
    """If no response names a place, the place in the topic is shown."""
    unnamed: dict[str, object] = {**DELIVERED, **NOT_ACKED, "server": "", "flags": "late"}
    table = table_of(unnamed)
    assert [column.name for column in table.columns] == [
        *("time", "class", "event type", "what happened", "found at", "id"),
    ]
    assert table.rows[0].cells[1:-1] == ("late", "sword", "in topic; later than the limit", "3@17")


def test_dates_are_shown_if_there_are_several() -> None:
    """A run over midnight has the date in each row."""
    later = {**LOST, "sent_at": "2023-11-15T00:00:01.000000Z"}
    table = table_of(LOST, later)
    assert [row.cells[0] for row in table.rows] == ["11-14 22:13:20.000", "11-15 00:00:01.000"]
    assert table.day == ""


def test_filters_offer_what_there_is() -> None:
    """Values in order, numbers as numbers; nothing where there is no choice."""
    rows = [{**LOST, "acked_partition": partition} for partition in (10, 2, 1)]
    options = table_of(*rows).options
    assert options == {"type": [], "partition": ["1", "2", "10"], "process": [], "error": []}


def test_the_first_row_of_a_link_is_its_place() -> None:
    """Without a script a link leads there: each place exists once."""
    first, second = table_of(LOST, {**LOST, "event_type": "guild"}).rows
    assert first.anchors == (
        "exceptions?class=lost",
        "exceptions?class=lost&type=sword",
        "exceptions?class=lost&partition=3",
        "exceptions?class=lost&process=42",
    )
    assert second.anchors == ("exceptions?class=lost&type=guild",)


def test_only_what_was_not_acknowledged_has_an_error() -> None:
    """The status, or the error up to its colon, as the errors name it."""
    failed = {**LOST, "class": "ghost", "outcome": "failed", "http_status": 503}
    timed_out = {**failed, "outcome": "indeterminate", "http_status": "", "error": "Gone: 9 s"}
    in_flight = {**timed_out, "error": ""}
    table = table_of(LOST, failed, timed_out, in_flight)
    assert [row.filters["error"] for row in table.rows] == ["", "503", "Gone", "no answer"]
    assert table.options["error"] == ["503", "Gone", "no answer"]
    assert "exceptions?class=ghost&error=503" in table.rows[1].anchors


def test_what_happened_is_in_plain_words() -> None:
    """It names the request's end, the topic, and each flag."""
    corrupted = {**DELIVERED, "flags": "corrupted misplaced", "differing_fields": "a; /b/c"}
    ghost = {**DELIVERED, "class": "ghost", "where": "refused by the service"}
    absent = {**LOST, "class": "absent", "where": "sent, but not answered"}
    assert what_happened(corrupted) == (
        "in topic; differs in a, /b/c; not where it was acknowledged"
    )
    assert what_happened(ghost) == "refused by the service, yet in topic"
    assert what_happened(absent) == "sent, but not answered, not in topic"


def test_the_steps_of_a_lost_event() -> None:
    """Asked, sent, answered, acknowledged at, and not found."""
    assert steps(LOST) == [
        "due: 22:13:19.999",
        "sent: 22:13:20.000 (+1.0 ms)",
        "answered: 22:13:20.009 (+9.5 ms), 200 OK by process 42",
        "acknowledged at: 3@17",
        "!in topic: not found",
    ]


def test_the_steps_of_a_corrupted_copy() -> None:
    """The copies, the place of the one that differs, and the asked and found values."""
    row = {
        **DELIVERED,
        "class": "duplicated",
        "flags": "corrupted",
        "copies": 2,
        "corrupted_partition": 3,
        "corrupted_offset": 18,
        "differences": 'a: asked for 1, found "1"',
    }
    assert steps(row)[-2:] == [
        "!in topic: 2 times, first at 3@17, 22:13:20.004",
        '!differs: at 3@18: a: asked for 1, found "1"',
    ]


def test_the_steps_of_a_request_without_an_answer() -> None:
    """Neither a time-out nor a request in flight has more than is known."""
    no_answer = {"answered_at": "", "answered_at_ns": "", "http_status": "", **NOT_ACKED}
    timed_out: dict[str, object] = {
        **LOST,
        **no_answer,
        "class": "absent",
        "outcome": "indeterminate",
        "server": "",
        "error": "TimeoutError",
    }
    in_flight = {**timed_out, "sent_at": "", "sent_at_ns": "", "intended_at_ns": "", "error": ""}
    assert steps(timed_out)[2:] == [
        "!answered: no: TimeoutError",
        "acknowledged: no, the outcome is unknown",
        "in topic: not found",
    ]
    assert steps(in_flight)[0] == "request: in flight when its generator ended"
    assert steps(PHANTOM) == [
        "!request: in topic, never requested",
        "in topic: at 3@17, 22:13:20.004",
    ]
