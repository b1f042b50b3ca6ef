"""The producer's client: when the sender sends the gathered records."""

import math
from types import SimpleNamespace
from typing import Any

import pytest
from headcount_service.inflight import InflightRequests
from headcount_service.publish import producer
from headcount_service.publish.producer import GatheringClient

NODE = 1


class Net:
    """A fake of kafka-python's network, which only counts the wake-ups."""

    def __init__(self) -> None:
        self.wakeups = 0

    def wakeup(self) -> None:
        """Count the call."""
        self.wakeups += 1


@pytest.fixture
def requests() -> InflightRequests:
    """Requests, none in progress."""
    return InflightRequests()


@pytest.fixture
def net() -> Net:
    """A network that was not woken."""
    return Net()


def client(
    requests: InflightRequests, net: Net, *, is_connected: bool = True, is_paused: bool = False
) -> GatheringClient:
    """A client with one node."""
    connection = SimpleNamespace(connected=is_connected, paused=is_paused)
    manager: Any = SimpleNamespace(_conns={NODE: connection}, connection_delay=lambda _: 0.5)
    return GatheringClient(requests=requests, net=net, manager=manager)


def end(requests: InflightRequests) -> None:
    """Handle the only counted request."""
    with requests.handled_here():
        pass


@pytest.mark.parametrize(("is_connected", "delay"), [(True, math.inf), (False, 0.5)])
def test_the_sender_waits_for_room(
    requests: InflightRequests, net: Net, *, is_connected: bool, delay: float
) -> None:
    """A connection at its limit of requests waits for a response, not for a time."""
    made = client(requests, net, is_connected=is_connected, is_paused=True)
    assert not made.is_ready(NODE)
    assert made.connection_delay(NODE) == delay


def test_a_single_record_is_sent_without_delay(requests: InflightRequests, net: Net) -> None:
    """No request is in progress that could bring another."""
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
    """However many requests follow; the next group waits again."""
    now_s = 0.0
    monkeypatch.setattr("headcount_service.publish.producer.time.monotonic", lambda: now_s)
    made = client(requests, net)
    requests.begin()
    assert not made.is_ready(NODE)
    now_s += producer.GATHER_S
    assert made.connection_delay(NODE) == 0
    assert made.is_ready(NODE)
    assert not made.is_ready(NODE)


def test_requests_without_records_do_not_wait(requests: InflightRequests, net: Net) -> None:
    """A producer cannot start before it has requested its id, which uses the same client."""
    requests.begin()
    assert client(requests, net).await_ready(NODE, timeout_ms=0)
