"""Rates: target and achieved, with a schedule and without."""

import pytest
from headcount_analysis.measure.rates import Rates, of_arrivals, of_requests

from headcount.open_model.arrival_counts import Arrivals


def test_arrivals_that_did_not_start_keep_the_achieved_rate_below_the_target() -> None:
    """Of 500 per second for 10 s, 100 were dropped and 400 lost because a generator died."""
    rates = of_arrivals(Arrivals(-1, due=5000, started=4500, dropped=100), 10.0)
    assert rates == Rates(target_per_s=500, achieved_per_s=450)


def test_without_a_schedule_there_is_no_target() -> None:
    """The achieved rate is known nevertheless."""
    assert of_requests(620, 10.0) == Rates(target_per_s=None, achieved_per_s=62)


@pytest.mark.parametrize("seconds", [0.0, -0.25])
def test_a_span_without_length_has_no_rate(seconds: float) -> None:
    """Examples are a single request, and a schedule that ended before it started."""
    assert of_requests(1, seconds) == Rates()
    assert of_arrivals(Arrivals(-1, 0, 0, 0), seconds) == Rates()


@pytest.mark.parametrize(
    ("rates", "text"),
    [
        (Rates(1500, 1498.24), "target 1,500.0/s, achieved 1,498.2/s"),
        (Rates(10 / 3600, 9 / 3600), "target 0.0028/s, achieved 0.0025/s"),
        (Rates(None, 62.0), "achieved 62.0/s"),
        (Rates(), "rate not measured"),
    ],
)
def test_both_rates_fit_in_a_line(rates: Rates, text: str) -> None:
    """With or without a target, and however small they are."""
    assert str(rates) == text
