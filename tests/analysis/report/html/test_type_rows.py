"""The table by event type: a row each, with requests, classes that occur, and percentiles."""

from dataclasses import replace

from headcount_analysis.classes_and_flags import Counts
from headcount_analysis.measure.histogram import Measure
from headcount_analysis.report.html.type_rows import type_table
from headcount_analysis.report.model import Report

from tests.analysis.judge.test_judge import SANE
from tests.analysis.report.html.test_first_screen import buckets
from tests.analysis.report.literal import a_report

COUNTS = {
    "sword": Counts(attempted=200, acked=200, delivered=198, lost=2),
    "guild": Counts(attempted=50, acked=50, delivered=50),
}


def a_table_report(**durations_ms: float) -> Report:
    """Create a report with durations of each event type."""
    evidence = replace(
        SANE, by_event_type=COUNTS, endpoints={"sword": ("POST /swords", "PUT /swords")}
    )
    parts = [bucket for name, ms in durations_ms.items() for bucket in buckets(name, ms, 200)]
    return replace(a_report(), evidence=evidence, buckets=tuple(parts))


def test_a_row_has_requests_classes_and_percentiles() -> None:
    """The total comes last; a class that occurs is marked with its colour."""
    table = type_table(a_table_report(sword=10.0, guild=40.0))
    assert table.counts == ("attempted", "delivered", "lost", "duplicated")
    sword, guild, total = table.rows
    assert (sword.requests, guild.requests) == ("POST /swords, PUT /swords", "")
    assert [cell.text for cell in sword.counts] == ["200", "198", "2", "0"]
    assert [cell.kind for cell in sword.counts] == ["", "", "lost", ""]
    assert [cell.text for cell in sword.percentiles] == ["10.0", "10.0", "10.0"]
    assert (total.is_total, total.counts[0].number) == (True, 250)
    assert (sword.widths["p99"], guild.widths["p99"]) == (25.0, 100.0)


def test_counts_of_exceptions_lead_to_their_rows() -> None:
    """Of the type, or of all types; delivered ones and zeros have no rows."""
    rows = type_table(a_table_report(sword=10.0)).rows
    links = [{cell.kind: cell.href for cell in row.counts if cell.href} for row in rows]
    assert links == [
        {"lost": "#exceptions?class=lost&type=sword"},
        {},
        {"lost": "#exceptions?class=lost"},
    ]


def test_only_the_slowest_is_marked() -> None:
    """Neither the total nor the only event type is."""
    table = type_table(a_table_report(sword=10.0, guild=40.0))
    assert [row.is_slowest for row in table.rows] == [False, True, False]
    report = replace(a_report(), buckets=tuple(buckets("default", 5.0)))
    assert not any(row.is_slowest for row in type_table(report).rows)


def test_a_percentile_needs_enough_requests() -> None:
    """One in a hundred cannot be told from 99 requests."""
    for count, shown in ((99, "-"), (100, "5.0")):
        report = replace(a_report(), buckets=tuple(buckets("default", 5.0, count)))
        table = type_table(report)
        assert table.rows[0].percentiles[-1].text == shown
        assert table.lacks_percentiles == (shown == "-")


def test_without_durations_there_are_no_columns_for_them() -> None:
    """Nor is there a column of requests if none is known."""
    report = replace(a_report(), buckets=())
    assert not any(latency.measure is Measure.HTTP for latency in report.latencies)
    table = type_table(report)
    assert (table.percentiles, table.has_requests) == ((), False)
    assert table.rows[0].percentiles == ()
