"""The tables of the page: which columns are words, which measures they have, and their results."""

from dataclasses import replace

from headcount_analysis.measure.clocks import ClockOffset
from headcount_analysis.measure.histogram import Measure
from headcount_analysis.measure.threshold_results import ThresholdResult
from headcount_analysis.report.html.page import render
from headcount_analysis.report.html.page_tables import PageTable, latency, offset_text, thresholds
from headcount_analysis.report.shown_exceptions import Exceptions

from headcount.thresholds.grammar import parse
from tests.analysis.report.literal import a_report


def test_columns_of_words_are_to_the_left() -> None:
    """A column with a number is one of numbers, also where a cell is empty or unknown."""
    rows = (("0", "sealed", "-1.5 %", "unknown"), ("1", "missing", "", "0.4 ± 1.5"))
    assert PageTable(("generator", "ledger", "change", "offset"), rows).text_columns == {1}
    page = render(a_report(), Exceptions())
    assert '<th scope="col" class="words">measure</th>' in page
    assert '<td data-name="measure" class="words">end to end</td>' in page
    assert '<td data-name="count">11</td>' in page


def test_only_distinct_measures_have_rows() -> None:
    """From intended has none where it equals HTTP, and the page says so."""
    for is_total in (True, False):
        some = latency(a_report(), (Measure.HTTP, Measure.END_TO_END), only_total=is_total)
        assert {"from intended"}.isdisjoint(cell for row in some.rows for cell in row)
        assert some.rows
    assert "it equals HTTP, and is listed only in latency.csv" in render(a_report(), Exceptions())


def test_a_threshold_has_its_result_before_what_was_measured() -> None:
    """As a check has; the result colours the row, and units have a space as elsewhere."""
    broken = ThresholdResult(parse("http.p99 < 20ms"), 82.1)
    table = thresholds(replace(a_report(), thresholds=(broken,)))
    assert table.rows == (("http.p99 < 20ms", "broken", "82.1 ms"),)
    assert table.kinds == ("broken",)


def test_a_note_is_a_sentence() -> None:
    """It begins with a capital letter."""
    report = a_report()
    assert report.notes
    page = render(report, Exceptions())
    notes = page[page.index('<h2 id="notes">') :]
    assert all(f"<li>{note[0].upper()}" in notes for note in report.notes)


def test_a_clock_offset_is_shown_as_far_as_it_is_known() -> None:
    """A width is never negative: if no offset fits the whole run, the text says why."""
    assert offset_text(ClockOffset(0, 1_000_000, 4_000_000)) == "2.50 ± 1.50"
    assert offset_text(ClockOffset(0, 5_000_000, 1_500_000)) == "at most 1.50"
    assert offset_text(ClockOffset(0, 5_000_000, 1_500_000, has_moved=True)) == (
        "moved by at least 3.50"
    )
