"""The publisher: what it promises of an event, with producers whose behaviour the test decides."""

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
class Cluster:
    """A broker that is there or not, and the producers that it was connected to by, in turn."""

    there: bool = True
    producers: list[FakeProducer] = field(default_factory=list)
    next_producer: Callable[[], FakeProducer] = FakeProducer
    connect_error: Exception | None = None

    def answers(self, _settings: Settings) -> bool:
        """Whether the broker is there."""
        return self.there

    def connect(self, _settings: Settings) -> FakeProducer:
        """The next producer, unless connecting fails."""
        if self.connect_error is not None:
            raise self.connect_error
        self.producers.append(self.next_producer())
        return self.producers[-1]


@pytest.fixture
def cluster() -> Cluster:
    """A broker that answers."""
    return Cluster()


MakePublisher = Callable[..., KafkaPublisher]


@pytest.fixture
def make(load: LoadSettings, cluster: Cluster) -> Iterator[MakePublisher]:
    """Started publishers on that broker, which the fixture closes."""
    made: list[KafkaPublisher] = []

    def make_with(**variables: object) -> KafkaPublisher:
        settings = load(**{"ACK_TIMEOUT_S": 0.1, **variables})
        made.append(KafkaPublisher(settings, connect=cluster.connect, answers=cluster.answers))
        made[-1].start()
        return made[-1]

    yield make_with
    for each in made:
        each.close()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads for publishes that wait."""
    with ThreadPoolExecutor() as threads:
        yield threads


def accepts(publisher: KafkaPublisher) -> bool:
    """Whether an event is published."""
    try:
        publisher.publish(EVENT, None)
    except NotPublished:
        return False
    return True


def test_an_acknowledged_event_is_in_the_topic(make: MakePublisher, cluster: Cluster) -> None:
    """It is sent once, to the topic of the settings, keyed by the player in UTF-8."""
    publisher = make(TOPIC="game")
    assert publisher.publish({"event_type": "join_guild"}, "p-1") == RecordPosition(3, 17)
    publisher.publish(EVENT, None)
    assert cluster.producers[0].sent == [
        ("game", b'{"event_type":"join_guild"}', b"p-1"),
        ("game", b'{"event_type":"default"}', None),
    ]


def test_a_request_that_has_handed_over_is_waited_for_no_more(make: MakePublisher) -> None:
    """A record would else wait for its own request, which waits for it to be acknowledged."""
    publisher = make()
    requests.begin()
    with requests.handled_here():
        publisher.hand_over(EVENT, None)
        assert requests.is_none()


def test_without_acknowledgements_no_place_is_told(make: MakePublisher) -> None:
    """With acks=0 nobody knows where an event is."""
    assert make(ACKS="0", IDEMPOTENCE="off").publish(EVENT, None) is None


def test_an_event_without_acknowledgement_is_unknown(make: MakePublisher, cluster: Cluster) -> None:
    """A time-out is not a failure; after it, events are refused before they are handed over."""
    cluster.next_producer = lambda: FakeProducer(acknowledges=False)
    publisher = make()
    cluster.there = False
    with pytest.raises(OutcomeUnknown):
        publisher.publish(EVENT, None)
    with pytest.raises(NotPublished):
        publisher.publish(EVENT, None)
    assert len(cluster.producers[0].sent) == 1
    assert not publisher.is_ready()


def test_a_broker_that_answers_again_gets_a_fresh_producer(
    make: MakePublisher, cluster: Cluster
) -> None:
    """The suspected one is closed, and used no more."""
    cluster.next_producer = lambda: FakeProducer(acknowledges=bool(cluster.producers))
    publisher = make()
    with pytest.raises(OutcomeUnknown):
        publisher.publish(EVENT, None)
    eventually(lambda: accepts(publisher), "a fresh producer")
    first, second = cluster.producers
    eventually(first.closed.is_set, "the first producer's end")
    assert (len(first.sent), len(second.sent)) == (1, 1)
    assert not second.closed.is_set()


def test_a_late_failure_does_not_condemn_the_fresh_producer(
    make: MakePublisher, cluster: Cluster, pool: ThreadPoolExecutor
) -> None:
    """What an earlier producer still reports says nothing about the one in its place."""
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
    for each in waiting:
        with pytest.raises(OutcomeUnknown):
            each.result(60)
    assert publisher.is_ready()
    assert len(cluster.producers) == 2


def test_a_broker_away_at_the_start_is_waited_for(make: MakePublisher, cluster: Cluster) -> None:
    """The worker is alive, refuses what it cannot publish, and begins when the broker does."""
    cluster.there = False
    publisher = make()
    assert not publisher.is_ready()
    assert not accepts(publisher)
    cluster.there = True
    eventually(lambda: accepts(publisher), "the first producer")
    assert publisher.is_ready()


@pytest.mark.parametrize("error", [KafkaConnectionError(), OSError(), RuntimeError()])
def test_a_connection_that_fails_is_tried_again(
    make: MakePublisher, cluster: Cluster, error: Exception
) -> None:
    """Whatever a producer raises when it is made, the watch goes on."""
    cluster.connect_error = error
    publisher = make()
    assert not accepts(publisher)
    cluster.connect_error = None
    eventually(lambda: accepts(publisher), "a producer")


def test_outstanding_events_are_bounded(
    make: MakePublisher, cluster: Cluster, pool: ThreadPoolExecutor
) -> None:
    """One more is refused and not handed over; a place is free again with an acknowledgement."""
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


def test_a_client_that_gave_up_frees_no_place(make: MakePublisher, cluster: Cluster) -> None:
    """The record still occupies its producer, until its own outcome is known."""
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
    ("raised", "told", "kept"),
    [
        (KafkaTimeoutError(), NotPublished, False),
        (ValueError(), NotPublished, False),
        (MessageSizeTooLargeError(), RecordTooLarge, True),
        (OSError(), OutcomeUnknown, False),
    ],
)
def test_a_send_that_raises(
    make: MakePublisher, cluster: Cluster, raised: Exception, told: type[Exception], kept: bool
) -> None:
    """Only an error known to come before the hand-over promises that nothing was published."""
    cluster.next_producer = lambda: FakeProducer(refuses_with=raised)
    publisher = make(MAX_OUTSTANDING=1)
    cluster.there = False
    with pytest.raises(told) as caught:
        publisher.publish(EVENT, None)
    assert type(caught.value) is told
    cluster.there = True
    assert publisher.is_ready() is kept
    eventually(publisher.is_ready, "a producer")
    cluster.producers[-1].refuses_with = None
    publisher.publish(EVENT, None)  # the failed send holds no place


@pytest.mark.parametrize(
    "error", [KafkaTimeoutError(), NotEnoughReplicasError(), MessageSizeTooLargeError()]
)
def test_no_error_of_a_sent_record_proves_anything(
    make: MakePublisher, cluster: Cluster, pool: ThreadPoolExecutor, error: Exception
) -> None:
    """Not even one that sounds final: a producer fails other records with it, sent ones too."""
    cluster.next_producer = lambda: FakeProducer(acknowledges=bool(cluster.producers))
    publisher = make(ACK_TIMEOUT_S=20)
    waiting = pool.submit(publisher.publish, EVENT, None)
    eventually(lambda: cluster.producers[0].pending, "the send")
    cluster.producers[0].pending[0].settle(error)
    with pytest.raises(OutcomeUnknown):
        waiting.result(60)
    eventually(cluster.producers[0].closed.is_set, "the producer's end")
    eventually(lambda: accepts(publisher), "a fresh producer")


def test_closing_waits_for_what_was_taken(
    make: MakePublisher, cluster: Cluster, pool: ThreadPoolExecutor
) -> None:
    """New events are refused, those in hand are acknowledged, and only then the producer ends."""
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


def test_closing_does_not_wait_for_ever(make: MakePublisher, cluster: Cluster) -> None:
    """A record whose outcome never comes cannot keep the worker from its end."""
    cluster.next_producer = lambda: FakeProducer(acknowledges=False)
    publisher = make()
    with pytest.raises(OutcomeUnknown):
        publisher.publish(EVENT, None)
    publisher.close()
    assert not publisher.is_ready()


def test_an_unstarted_publisher_refuses(load: LoadSettings, cluster: Cluster) -> None:
    """Before the fork there is no producer, and closing then is no error."""
    publisher = KafkaPublisher(load(), connect=cluster.connect, answers=cluster.answers)
    assert not accepts(publisher)
    publisher.close()
    assert cluster.producers == []


def test_readiness_asks_the_broker_now(make: MakePublisher, cluster: Cluster) -> None:
    """A producer that connected once does not make a worker ready."""
    publisher = make()
    assert publisher.is_ready()
    cluster.there = False
    assert not publisher.is_ready()


def test_publishing_can_be_switched_off(load: LoadSettings) -> None:
    """The application then answers as ever, without Kafka."""
    publisher = make_publisher(load(PUBLISH="off"))
    assert isinstance(publisher, NoPublisher)
    publisher.start()
    publisher.publish(EVENT, "p")
    assert publisher.is_ready()
    publisher.close()
    assert isinstance(make_publisher(load(PUBLISH="on")), KafkaPublisher)
