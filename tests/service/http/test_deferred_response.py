"""Deferred responses under a server that does not know them: iterating over the body waits."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from headcount_service.app import create_app
from headcount_service.http.deferred_response import DeferredBody
from headcount_service.publish.publisher import KafkaPublisher
from werkzeug.test import TestResponse

from tests.service.conftest import LoadSettings
from tests.service.fakes import FakeProducer
from tests.service.waiting import eventually

Make = Callable[[float], KafkaPublisher]


@pytest.fixture
def producer() -> FakeProducer:
    """A producer whose acknowledgements the test decides."""
    return FakeProducer(acknowledges=False)


@pytest.fixture
def make(load: LoadSettings, producer: FakeProducer) -> Iterator[Make]:
    """A function that creates a publisher with this producer and a time-out."""
    made: list[KafkaPublisher] = []

    def make_with(ack_timeout_s: float) -> KafkaPublisher:
        settings = load(ACK_TIMEOUT_S=ack_timeout_s)
        made.append(KafkaPublisher(settings, connect=lambda _: producer, answers=lambda _: True))
        made[-1].start()
        return made[-1]

    yield make_with
    for made_publisher in made:
        made_publisher.close()


def settled(app: Flask, producer: FakeProducer, error: Exception | None = None) -> TestResponse:
    """Return the response to a request that waits until its send is over."""
    with ThreadPoolExecutor() as threads:
        request = threads.submit(app.test_client().get, "/")
        eventually(lambda: producer.pending, "the send")
        assert not request.done()
        producer.pending[0].settle(error)
        return request.result(60)


def test_the_first_byte_waits_for_the_acknowledgement(
    load: LoadSettings, make: Make, producer: FakeProducer
) -> None:
    """Under a server that only iterates, the response is as if the application had waited."""
    answer = settled(create_app(load(), make(20)), producer)
    assert (answer.status_code, answer.text) == (200, "This is the default response!\n")
    assert (answer.headers["X-Event-Partition"], answer.headers["X-Event-Offset"]) == ("3", "17")
    assert answer.headers["X-Served-By"]


def test_without_an_acknowledgement_it_is_a_504(
    load: LoadSettings, make: Make, producer: FakeProducer
) -> None:
    """The problem is the same as if a thread had waited, and the producer is replaced, too."""
    answer = create_app(load(), make(0.1)).test_client().get("/")
    assert answer.status_code == 504
    assert answer.content_type == "application/problem+json"
    assert answer.headers["X-Served-By"]
    assert answer.get_json(force=True)["detail"].endswith("The event may already be in the topic.")
    eventually(producer.closed.is_set, "the suspected producer's end")


def test_an_unexpected_outcome_is_a_500(
    load: LoadSettings, make: Make, producer: FakeProducer
) -> None:
    """Whatever happens to an event, there is a response, which promises nothing."""
    answer = settled(create_app(load(), make(20)), producer, RuntimeError("t0ken"))
    assert answer.status_code == 500
    assert "t0ken" not in answer.text


def test_a_server_can_wait_for_the_outcome(make: Make, producer: FakeProducer) -> None:
    """It is called once, when the outcome is known, and need not start the body before."""
    begun: list[str] = []

    def begin() -> list[bytes]:
        begun.append("begun")
        return [b"answer"]

    calls: list[str] = []
    body = DeferredBody(make(20).hand_over({}, None), begin)
    body.when_settled(lambda: calls.append("settled"))
    assert (calls, begun) == ([], [])
    producer.pending[0].settle()
    assert (calls, begun) == (["settled"], [])
    assert list(body) == [b"answer"]
