"""The table of HTTP phases: only the columns and event types for which something was measured."""

from dataclasses import replace

from headcount_analysis.measure.http_phases import phase_buckets
from headcount_analysis.report.html.first_screen import tiles
from headcount_analysis.report.html.page import render
from headcount_analysis.report.html.phase_rows import PhaseTable, phase_table

from headcount.ledger.http_phases import HttpPhases, Phase, PhaseDurations, durations_of
from tests.analysis.report.html.test_type_rows import COUNTS, a_table_report
from tests.analysis.report.literal import some_exceptions

FIRST_BYTE = {Phase.FIRST_BYTE: durations_of([0.010] * 200)}


def table(**phases: dict[Phase, PhaseDurations]) -> PhaseTable:
    """Make the table of a run with these phases, by event type."""
    buckets = phase_buckets([HttpPhases(phases)], tuple(COUNTS))
    return phase_table(replace(a_table_report(), buckets=buckets))


def test_first_bytes_alone_have_no_columns_of_connections() -> None:
    """Nor is there a row for an event type without measurements; it counts only in the total."""
    phases = table(sword=FIRST_BYTE)
    assert phases.columns == ("first byte p50", "first byte p95", "first byte p99")
    assert [(row.event_type, row.is_total) for row in phases.rows] == [
        ("sword", False),
        ("total", True),
    ]
    assert [cell.text for cell in phases.rows[0].cells] == ["10.00"] * 3
    assert (phases.has_connections, phases.lacks_percentiles) == (False, False)


def test_connections_are_counted() -> None:
    """A type that opened none says 0; two connections have a median, and no p99."""
    connections = {Phase.CONNECT: durations_of([0.004, 0.005])}
    phases = table(sword={**FIRST_BYTE, **connections}, guild=FIRST_BYTE)
    assert phases.columns[3:] == ("connections opened", "connect p50")
    cells = {row.event_type: [cell.text for cell in row.cells[3:]] for row in phases.rows}
    assert cells == {"sword": ["2", "4.02"], "guild": ["0", "-"], "total": ["2", "4.02"]}
    assert (phases.has_connections, phases.has_tls, phases.lacks_percentiles) == (True, False, True)


def test_handshakes_of_tls_have_their_columns() -> None:
    """With enough connections, the p99, too."""
    opened = {phase: durations_of([0.004] * 100) for phase in (Phase.CONNECT, Phase.TLS)}
    phases = table(sword=opened)
    assert phases.columns == (
        *("connections opened", "connect p50", "connect p99", "TLS p50", "TLS p99"),
    )
    assert phases.has_tls


def test_phases_have_no_tile_on_the_first_screen() -> None:
    """They explain how long requests took, and are in the table."""
    phases = phase_buckets([HttpPhases({"sword": FIRST_BYTE})], tuple(COUNTS))
    report = a_table_report(sword=10.0)
    with_phases = replace(report, buckets=(*report.buckets, *phases))
    assert list(tiles(with_phases)) == list(tiles(report))


def test_the_page_shows_the_table_if_there_is_one() -> None:
    """Below the table by event type."""
    report = a_table_report(sword=10.0)
    assert 'id="phase-table"' not in render(report, some_exceptions())
    buckets = (*report.buckets, *phase_buckets([HttpPhases({"sword": FIRST_BYTE})], ("sword",)))
    page = render(replace(report, buckets=buckets), some_exceptions())
    assert page.index('id="type-table"') < page.index('id="phase-table"')
    assert ">first byte p99<" in page
    assert "TLS" not in page[page.index('id="phase-table"') :][:2000]
