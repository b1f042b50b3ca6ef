"""Outcomes: only a proof makes a failure, and only a 2xx an acknowledgement."""

import socket

import pytest

from headcount.run.outcome import Outcome, of_error, of_status


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
def test_an_answer_tells_its_outcome(status: int, retry_after: bool, outcome: Outcome) -> None:
    """Of 5xx only a 503 with Retry-After promises that nothing was published; some 4xx do not."""
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
    """A connection that was never made is a failure; one that broke is not known."""
    assert of_error(error) is outcome
