"""Durations are in the unit that people would say."""

import pytest
from headcount_analysis.report.duration_text import duration


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
