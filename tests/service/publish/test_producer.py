"""The producer's client: when its sender sends what has gathered."""

import math
from types import SimpleNamespace
from typing import Any

import pytest
from headcount_service.inflight import InflightRequests
from headcount_service.publish import producer
from headcount_service.publish.producer import GatheringClient

NODE = 1


class Net:
    """kafka-python's network, of which only the wake-ups are counted."""

    def __init__(self) -> None:
        self.wakeups = 0

    def wakeup(self) -> None:
        """Count it."""
        self.wakeups += 1


@pytest.fixture
def requests() -> InflightRequests:
    """None in progress."""
    return InflightRequests()


@pytest.fixture
def net() -> Net:
    """Not woken."""
    return Net()


def client(
    requests: InflightRequests, net: Net, *, is_connected: bool = True, is_paused: bool = False
) -> GatheringClient:
    """A client with one node."""
    connection = SimpleNamespace(connected=is_connected, paused=is_paused)
    manager: Any = SimpleNamespace(_conns={NODE: connection}, connection_delay=lambda _: 0.5)
    return GatheringClient(requests=requests, net=net, manager=manager)


def end(requests: InflightRequests) -> None:
    """Handle the only request that was counted."""
    with requests.handled_here():
        pass


@pytest.mark.parametrize(("is_connected", "delay"), [(True, math.inf), (False, 0.5)])
def test_the_sender_waits_for_room(
    requests: InflightRequests, net: Net, *, is_connected: bool, delay: float
) -> None:
    """A connection that is there and takes no request now has an answer to come, and no delay."""
    made = client(requests, net, is_connected=is_connected, is_paused=True)
    assert not made.is_ready(NODE)
    assert made.connection_delay(NODE) == delay


def test_a_record_that_comes_alone_goes_at_once(requests: InflightRequests, net: Net) -> None:
    """Nothing else is in progress that could bring another."""
    assert client(requests, net).is_ready(NODE)
    assert net.wakeups == 0


def test_a_record_waits_for_the_requests_in_progress(
    requests: InflightRequests, net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the last of them wakes the sender, once."""
    monkeypatch.setattr(producer, "GATHER_S", 3600)
    made = client(requests, net)
    requests.begin()
    assert not made.is_ready(NODE)
    assert not made.is_ready(NODE)
    assert 0 < made.connection_delay(NODE) <= 3600_000
    assert net.wakeups == 0
    end(requests)
    assert net.wakeups == 1
    assert made.is_ready(NODE)


def test_a_record_does_not_wait_for_long(
    requests: InflightRequests, net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many requests follow; the next group waits anew."""
    now_s = 0.0
    monkeypatch.setattr("headcount_service.publish.producer.time.monotonic", lambda: now_s)
    made = client(requests, net)
    requests.begin()
    assert not made.is_ready(NODE)
    now_s += producer.GATHER_S
    assert made.connection_delay(NODE) == 0
    assert made.is_ready(NODE)
    assert not made.is_ready(NODE)


def test_what_is_no_record_waits_for_nobody(requests: InflightRequests, net: Net) -> None:
    """A producer cannot begin before it has an identity, which is asked for in the same way."""
    requests.begin()
    assert client(requests, net).await_ready(NODE, timeout_ms=0)
