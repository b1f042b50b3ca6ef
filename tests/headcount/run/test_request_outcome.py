"""Outcomes: only proof makes a failure, and only a 2xx an acknowledgement."""

import socket

import pytest

from headcount.run.request_outcome import Outcome, of_error, of_status


@pytest.mark.parametrize(
    ("status", "retry_after", "outcome"),
    [
        (200, False, Outcome.ACKED),
        (204, False, Outcome.ACKED),
        (302, False, Outcome.INDETERMINATE),
        (400, False, Outcome.FAILED),
        (404, False, Outcome.FAILED),
        (422, True, Outcome.FAILED),
        (408, False, Outcome.INDETERMINATE),
        (409, False, Outcome.INDETERMINATE),
        (425, False, Outcome.INDETERMINATE),
        (429, True, Outcome.INDETERMINATE),
        (499, True, Outcome.INDETERMINATE),
        (500, True, Outcome.INDETERMINATE),
        (502, False, Outcome.INDETERMINATE),
        (503, False, Outcome.INDETERMINATE),
        (503, True, Outcome.FAILED),
        (504, True, Outcome.INDETERMINATE),
    ],
)
def test_the_outcome_of_a_response(status: int, retry_after: bool, outcome: Outcome) -> None:
    """The only 5xx that proves a failure is a 503 with Retry-After; some 4xx prove nothing."""
    assert of_status(status, retry_after=retry_after) is outcome


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ConnectionRefusedError(), Outcome.FAILED),
        (socket.gaierror(), Outcome.FAILED),
        (ConnectionResetError(), Outcome.INDETERMINATE),
        (TimeoutError(), Outcome.INDETERMINATE),
        (BrokenPipeError(), Outcome.INDETERMINATE),
    ],
)
def test_a_failure_is_one_that_never_reached_the_service(
    error: Exception, outcome: Outcome
) -> None:
    """A connection that was never made is a failure; after a broken one, the outcome is unknown."""
    assert of_error(error, is_unsent=True) is outcome
    assert of_error(error, is_unsent=False) is Outcome.INDETERMINATE
