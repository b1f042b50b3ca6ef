"""The publisher: what it promises for an event, with producers whose behaviour the test decides."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from headcount_service.errors import NotPublished, OutcomeUnknown, RecordTooLarge
from headcount_service.inflight import requests
from headcount_service.publish.protocols import NoPublisher, RecordPosition
from headcount_service.publish.publisher import KafkaPublisher, make_publisher
from headcount_service.settings import Settings
from kafka.errors import (
    KafkaConnectionError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    NotEnoughReplicasError,
)

from tests.service.conftest import LoadSettings
from tests.service.fakes import FakeProducer
from tests.service.waiting import eventually

EVENT = {"event_type": "default"}


@dataclass(slots=True)
class FakeCluster:
    """A broker that answers or not, and the producers that connected to it, in order."""

    there: bool = True
    producers: list[FakeProducer] = field(default_factory=list)
    next_producer: Callable[[], FakeProducer] = FakeProducer
    connect_error: Exception | None = None

    def answers(self, _settings: Settings) -> bool:
        """Return whether the broker answers."""
        return self.there

    def connect(self, _settings: Settings) -> FakeProducer:
        """Return the next producer, unless connecting fails."""
        if self.connect_error is not None:
            raise self.connect_error
        self.producers.append(self.next_producer())
        return self.producers[-1]


@pytest.fixture
def cluster() -> FakeCluster:
    """A broker that answers."""
    return FakeCluster()


MakePublisher = Callable[..., KafkaPublisher]


@pytest.fixture
def make(load: LoadSettings, cluster: FakeCluster) -> Iterator[MakePublisher]:
    """A function that creates and starts publishers; the fixture closes them."""
    made: list[KafkaPublisher] = []

    def make_with(**variables: object) -> KafkaPublisher:
        settings = load(**{"ACK_TIMEOUT_S": 0.1, **variables})
        made.append(KafkaPublisher(settings, connect=cluster.connect, answers=cluster.answers))
        made[-1].start()
        return made[-1]

    yield make_with
    for publisher in made:
        publisher.close()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads for calls of `publish` that wait."""
    with ThreadPoolExecutor() as threads:
        yield threads


def accepts(publisher: KafkaPublisher) -> bool:
    """Return whether the publisher publishes an event."""
    try:
        publisher.publish(EVENT, None)
    except NotPublished:
        return False
    return True


def test_an_acknowledged_event_is_in_the_topic(make: MakePublisher, cluster: FakeCluster) -> None:
    """It is sent once, to the topic of the settings, keyed by the player in UTF-8."""
    publisher = make(TOPIC="game")
    assert publisher.publish({"event_type": "join_guild"}, "p-1") == RecordPosition(3, 17)
    publisher.publish(EVENT, None)
    assert cluster.producers[0].sent == [
        ("game", b'{"event_type":"join_guild"}', b"p-1"),
        ("game", b'{"event_type":"default"}', None),
    ]


def test_a_record_does_not_wait_for_its_own_request(make: MakePublisher) -> None:
    """The request waits for the acknowledgement, so that would be a deadlock."""
    publisher = make()
    requests.begin()
    with requests.handled_here():
        publisher.hand_over(EVENT, None)
        assert requests.is_none()


def test_without_acknowledgements_the_place_is_unknown(make: MakePublisher) -> None:
    """With acks=0 the broker does not report where an event is."""
    assert make(ACKS="0", IDEMPOTENCE="off").publish(EVENT, None) is None


def test_an_event_without_acknowledgement_is_unknown(
    make: MakePublisher, cluster: FakeCluster
) -> None:
    """A time-out is not a failure; after it, the publisher refuses events without sending them."""
    cluster.next_producer = lambda: FakeProducer(acknowledges=False)
    publisher = make()
    cluster.there = False
    with pytest.raises(OutcomeUnknown):
        publisher.publish(EVENT, None)
    with pytest.raises(NotPublished):
        publisher.publish(EVENT, None)
    assert len(cluster.producers[0].sent) == 1
    assert not publisher.is_ready()


def test_a_broker_that_answers_again_gets_a_new_producer(
    make: MakePublisher, cluster: FakeCluster
) -> None:
    """The old one is closed and no longer used."""
    cluster.next_producer = lambda: FakeProducer(acknowledges=bool(cluster.producers))
    publisher = make()
    with pytest.raises(OutcomeUnknown):
        publisher.publish(EVENT, None)
    eventually(lambda: accepts(publisher), "a fresh producer")
    first, second = cluster.producers
    eventually(first.closed.is_set, "the first producer's end")
    assert (len(first.sent), len(second.sent)) == (1, 1)
    assert not second.closed.is_set()


def test_a_late_failure_does_not_retire_the_new_producer(
    make: MakePublisher, cluster: FakeCluster, pool: ThreadPoolExecutor
) -> None:
    """A late error of the old producer says nothing about the new one."""
    cluster.next_producer = lambda: FakeProducer(acknowledges=bool(cluster.producers))
    publisher = make(ACK_TIMEOUT_S=20)
    waiting: list[Future[RecordPosition | None]] = [
        pool.submit(publisher.publish, EVENT, None) for _ in range(2)
    ]
    eventually(lambda: len(cluster.producers[0].pending) == 2, "two sends")
    first, late = cluster.producers[0].pending
    first.settle(NotEnoughReplicasError())
    eventually(lambda: len(cluster.producers) == 2 and publisher.is_ready(), "a fresh producer")
    late.settle(KafkaTimeoutError())
    for future in waiting:
        with pytest.raises(OutcomeUnknown):
            future.result(60)
    assert publisher.is_ready()
    assert len(cluster.producers) == 2


def test_the_publisher_waits_for_a_missing_broker(
    make: MakePublisher, cluster: FakeCluster
) -> None:
    """It starts without the broker, refuses events, and publishes once the broker answers."""
    cluster.there = False
    publisher = make()
    assert not publisher.is_ready()
    assert not accepts(publisher)
    cluster.there = True
    eventually(lambda: accepts(publisher), "the first producer")
    assert publisher.is_ready()


@pytest.mark.parametrize("error", [KafkaConnectionError(), OSError(), RuntimeError()])
def test_a_connection_that_fails_is_tried_again(
    make: MakePublisher, cluster: FakeCluster, error: Exception
) -> None:
    """Whatever the creation of a producer raises, the publisher keeps trying."""
    cluster.connect_error = error
    publisher = make()
    assert not accepts(publisher)
    cluster.connect_error = None
    eventually(lambda: accepts(publisher), "a producer")


def test_outstanding_events_are_bounded(
    make: MakePublisher, cluster: FakeCluster, pool: ThreadPoolExecutor
) -> None:
    """One more is refused and not sent; an acknowledgement makes room for another."""
    cluster.next_producer = lambda: FakeProducer(acknowledges=False)
    publisher = make(MAX_OUTSTANDING=1, ACK_TIMEOUT_S=20)
    first = pool.submit(publisher.publish, EVENT, None)
    eventually(lambda: cluster.producers[0].pending, "the first send")
    with pytest.raises(NotPublished, match="Too many"):
        publisher.publish(EVENT, None)
    cluster.producers[0].pending[0].settle()
    first.result(60)
    cluster.producers[0].acknowledges = True
    publisher.publish(EVENT, None)
    assert len(cluster.producers[0].sent) == 2


def test_a_client_that_gave_up_does_not_make_room(
    make: MakePublisher, cluster: FakeCluster
) -> None:
    """The record occupies its producer until its outcome is known."""
    cluster.next_producer = lambda: FakeProducer(acknowledges=bool(cluster.producers))
    publisher = make(MAX_OUTSTANDING=1)
    with pytest.raises(OutcomeUnknown):
        publisher.publish(EVENT, None)
    eventually(publisher.is_ready, "a fresh producer")
    with pytest.raises(NotPublished, match="Too many"):
        publisher.publish(EVENT, None)
    cluster.producers[0].pending[0].settle(KafkaTimeoutError())
    publisher.publish(EVENT, None)


@pytest.mark.parametrize(
    ("raised", "expected", "kept"),
    [
        (KafkaTimeoutError(), NotPublished, False),
        (ValueError(), NotPublished, False),
        (MessageSizeTooLargeError(), RecordTooLarge, True),
        (OSError(), OutcomeUnknown, False),
    ],
)
def test_a_send_that_raises(
    make: MakePublisher,
    cluster: FakeCluster,
    raised: Exception,
    expected: type[Exception],
    kept: bool,
) -> None:
    """Only an error that is raised before the hand-over promises that nothing was published."""
    cluster.next_producer = lambda: FakeProducer(refuses_with=raised)
    publisher = make(MAX_OUTSTANDING=1)
    cluster.there = False
    with pytest.raises(expected) as caught:
        publisher.publish(EVENT, None)
    assert type(caught.value) is expected
    cluster.there = True
    assert publisher.is_ready() is kept
    eventually(publisher.is_ready, "a producer")
    cluster.producers[-1].refuses_with = None
    publisher.publish(EVENT, None)  # the failed send holds no place


@pytest.mark.parametrize(
    "error", [KafkaTimeoutError(), NotEnoughReplicasError(), MessageSizeTooLargeError()]
)
def test_no_error_of_a_sent_record_proves_anything(
    make: MakePublisher, cluster: FakeCluster, pool: ThreadPoolExecutor, error: Exception
) -> None:
    """Not even a permanent one: the producer fails other records with it, even sent ones."""
    cluster.next_producer = lambda: FakeProducer(acknowledges=bool(cluster.producers))
    publisher = make(ACK_TIMEOUT_S=20)
    waiting = pool.submit(publisher.publish, EVENT, None)
    eventually(lambda: cluster.producers[0].pending, "the send")
    cluster.producers[0].pending[0].settle(error)
    with pytest.raises(OutcomeUnknown):
        waiting.result(60)
    eventually(cluster.producers[0].closed.is_set, "the producer's end")
    eventually(lambda: accepts(publisher), "a fresh producer")


def test_closing_waits_for_outstanding_events(
    make: MakePublisher, cluster: FakeCluster, pool: ThreadPoolExecutor
) -> None:
    """New events are refused, the others are acknowledged, and only then the producer closes."""
    cluster.next_producer = lambda: FakeProducer(acknowledges=False)
    publisher = make(ACK_TIMEOUT_S=20)
    waiting = pool.submit(publisher.publish, EVENT, None)
    eventually(lambda: cluster.producers[0].pending, "the send")
    closing = pool.submit(publisher.close)
    eventually(lambda: not publisher.is_ready(), "the refusal of new events")
    with pytest.raises(NotPublished, match="shutting down"):
        publisher.publish(EVENT, None)
    assert not closing.done()
    assert not cluster.producers[0].closed.is_set()
    cluster.producers[0].pending[0].settle()
    waiting.result(60)
    closing.result(60)
    assert cluster.producers[0].closed.is_set()


def test_closing_does_not_wait_forever(make: MakePublisher, cluster: FakeCluster) -> None:
    """A record without an outcome cannot keep the worker from exiting."""
    cluster.next_producer = lambda: FakeProducer(acknowledges=False)
    publisher = make()
    with pytest.raises(OutcomeUnknown):
        publisher.publish(EVENT, None)
    publisher.close()
    assert not publisher.is_ready()


def test_an_unstarted_publisher_refuses(load: LoadSettings, cluster: FakeCluster) -> None:
    """Before the fork there is no producer; closing it then is not an error."""
    publisher = KafkaPublisher(load(), connect=cluster.connect, answers=cluster.answers)
    assert not accepts(publisher)
    publisher.close()
    assert cluster.producers == []


def test_readiness_asks_the_broker_now(make: MakePublisher, cluster: FakeCluster) -> None:
    """A producer that has connected before does not make a worker ready."""
    publisher = make()
    assert publisher.is_ready()
    cluster.there = False
    assert not publisher.is_ready()


def test_publishing_can_be_switched_off(load: LoadSettings) -> None:
    """The application then responds as usual, without Kafka."""
    publisher = make_publisher(load(PUBLISH="off"))
    assert isinstance(publisher, NoPublisher)
    publisher.start()
    publisher.publish(EVENT, "p")
    assert publisher.is_ready()
    publisher.close()
    assert isinstance(make_publisher(load(PUBLISH="on")), KafkaPublisher)
