"""Requests in progress: callbacks that wait for the last one are called once, and not too early."""

import contextlib
import threading

import pytest
from headcount_service.inflight import InflightRequests


def test_without_requests_nothing_waits() -> None:
    """So it is under a server that does not count them."""
    requests, called = InflightRequests(), []
    requests.when_none(lambda: called.append(1))
    assert requests.is_none()
    assert called == [1]


def test_a_thread_without_a_request_counts_nothing() -> None:
    """It may hand over an event that belongs to no request."""
    requests = InflightRequests()
    requests.begin()
    with requests.handing_over():
        assert not requests.is_none()
    assert not requests.is_none()


def test_a_request_that_hands_over_no_longer_counts() -> None:
    """From the start of the hand-over; the callbacks are called after it."""
    requests, called = InflightRequests(), []
    requests.begin()
    requests.when_none(lambda: called.append(1))
    with requests.handled_here():
        with requests.handing_over():
            assert (requests.is_none(), called) == (True, [])
        assert called == [1]
    assert (requests.is_none(), called) == (True, [1])


@pytest.mark.parametrize("error", [None, ValueError])
def test_a_request_without_an_event_counts_until_its_end(error: type[Exception] | None) -> None:
    """Even if it fails."""
    requests, called = InflightRequests(), []
    requests.begin()
    requests.when_none(lambda: called.append(1))
    with contextlib.suppress(ValueError), requests.handled_here():
        assert called == []
        if error is not None:
            raise error
    assert (requests.is_none(), called) == (True, [1])


def test_the_last_of_several_calls() -> None:
    """Each runs in its own thread; a callback that was registered twice is called once."""
    requests, called = InflightRequests(), []

    def call() -> None:
        called.append(threading.current_thread().name)

    def handle() -> None:
        with requests.handled_here():
            pass

    for _ in "ab":
        requests.begin()
        requests.when_none(call)
    for name in "ab":
        assert called == []
        thread = threading.Thread(target=handle, name=name)
        thread.start()
        thread.join()
    assert called == ["b"]
