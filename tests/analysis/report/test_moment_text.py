"""Moments are clock times in UTC, and durations are in the unit that people would say."""

import pytest
from headcount_analysis.report.moment_text import between, duration

AT_NS = 1_700_000_000_120_000_000
SECOND_NS = 10**9


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0 s"),
        (7.83, "7.8 s"),
        (30.0, "30 s"),
        (119.0, "119 s"),
        (120.0, "2 min"),
        (754.4, "12 min 34 s"),
        (7200.0, "2 h"),
        (11_540.0, "3 h 12 min"),
    ],
)
def test_durations_have_at_most_two_units(seconds: float, text: str) -> None:
    """They are in seconds up to two minutes, then in minutes, then in hours."""
    assert duration(seconds) == text


def test_a_span_names_the_day_only_if_it_ends_on_another() -> None:
    """A span of one moment is that moment."""
    assert between(AT_NS, AT_NS) == "22:13:20.120 UTC"
    assert between(AT_NS, AT_NS + 7 * SECOND_NS) == "22:13:20 to 22:13:27 UTC"
    assert between(AT_NS, AT_NS + SECOND_NS) == "22:13:20.120 to 22:13:21.120 UTC"
    late = between(AT_NS, AT_NS + 7200 * SECOND_NS)
    assert late == "22:13:20 to 2023-11-15 00:13:20 UTC"
