"""The section of exceptions: patterns, losses and errors, each linked to what it counts."""

from dataclasses import replace

from headcount_analysis.causes.exception_patterns import Pattern
from headcount_analysis.causes.losses import Losses, LossGroup
from headcount_analysis.causes.unacknowledged import UnacknowledgedGroup
from headcount_analysis.report.html import exception_section as section_module
from headcount_analysis.report.html.exception_section import ClassLink, exception_section

from headcount.run.locust_exit import LocustExit
from tests.analysis.report.literal import HOSTILE, START_NS, a_report, some_exceptions

LATER_NS = START_NS + 7_250_000_000


def test_patterns_lead_to_their_rows() -> None:
    """With their filters; requests that are no exceptions lead to the errors; no text is markup."""
    patterns = (
        Pattern("lost", 3, 4, f"event type {HOSTILE}", {"type": HOSTILE}),
        Pattern("refused", 9, 9, "process 1"),
    )
    report = replace(a_report(), patterns=patterns)
    lost, refused = exception_section(report, some_exceptions(lost=4)).patterns
    assert lost == (
        '<a href="#exceptions?class=lost&amp;type=%3Cscript%3Ealert%281%29%3C%2Fscript%3E">'
        "3 of 4 lost</a>: event type &lt;script&gt;alert(1)&lt;/script&gt;"
    )
    assert refused == '<a href="#errors">all 9 refused</a>: process 1'


def test_losses_lead_to_their_rows() -> None:
    """By partition and process, with share and clock time; other groups are counted."""
    group = LossGroup("3", 1_160, 20, START_NS, LATER_NS)
    report = replace(a_report(), losses=Losses(by_partition=(group,) * 22))
    (table,) = exception_section(report, some_exceptions(lost=4)).losses
    assert (table.noun, len(table.rows), table.others) == ("partition", 20, 2)
    row = table.rows[0]
    assert (row.href, row.lost, row.acked) == ("#exceptions?class=lost&partition=3", "20", "1,160")
    assert (row.share, row.first, row.last) == ("1.7 %, 1 in 58", "22:13:20", "22:13:27")


def test_errors_have_a_sample_and_lead_to_their_rows() -> None:
    """Count, classes, first and last time, event types, and the first response.

    Refused requests, which are no exceptions, have no rows and no link.
    """
    groups = (
        UnacknowledgedGroup(
            *("503", "refused", 9, START_NS, LATER_NS),
            {"a": 4, "b": 3, "c": 1, "d": 1},
            {"refused": 8, "ghost": 1},
        ),
        UnacknowledgedGroup("TimeoutError", "unanswered", 1, None, None, {"a": 1}, {"absent": 1}),
    )
    ended = LocustExit(1, answers={"503": '{"error": "full"}'})
    report = replace(a_report(), unacknowledged=groups, locust_exit=ended)
    refused, unanswered = exception_section(report, some_exceptions()).errors
    assert refused == section_module.ErrorRow(
        *("503 Service Unavailable", "refused", "9"),
        (
            ClassLink("refused", "8 refused", ""),
            ClassLink("ghost", "1 ghost", "#exceptions?class=ghost&error=503"),
        ),
        *("22:13:20.000", "22:13:27.250"),
        *("a 4, b 3, c 1, 1 more", '{"error": "full"}'),
    )
    assert unanswered == section_module.ErrorRow(
        *("TimeoutError", "unanswered", "1"),
        (ClassLink("absent", "1 absent", "#exceptions?class=absent&error=TimeoutError"),),
        *("", "", "a", ""),
    )
