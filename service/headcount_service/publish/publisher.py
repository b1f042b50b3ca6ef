"""Publishing: hand an event to Kafka, and return only when the broker has acknowledged it.

A publisher belongs to one worker process. It owns that process's producer, its sender thread, and
the thread that watches over them, so it must be started after the fork: `start` does all of that,
and making a publisher does none of it.
"""

import functools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from kafka.errors import (
    IllegalStateError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
)

from headcount_service.errors import NotPublished, OutcomeUnknown, RecordTooLarge
from headcount_service.inflight import requests
from headcount_service.publish.events import Event, encode_event
from headcount_service.publish.producer import Pending, Producer, broker_answers, connect_producer
from headcount_service.publish.protocols import (
    EventPublisher,
    NoPublisher,
    Publication,
    RecordPosition,
)
from headcount_service.settings import Settings

log = logging.getLogger(__name__)

PROBE_INTERVAL_S = 0.5

# What `send` raises before it hands anything to its accumulator: the topic's metadata is missing,
# the producer is closed, no partition can be chosen. See `KafkaProducer.send`.
_NEVER_ENQUEUED = (KafkaTimeoutError, IllegalStateError, ValueError)


@dataclass(slots=True, eq=False)
class _ProducerHandle:
    """A producer, and whether it was closed: it sends nothing more then."""

    producer: Producer
    closed: threading.Event = field(default_factory=threading.Event)

    def close(self, timeout_s: float) -> None:
        """Close it."""
        try:
            self.producer.close(timeout_s)
        finally:
            self.closed.set()


def make_publisher(settings: Settings) -> EventPublisher:
    """The publisher that the settings ask for, not yet started."""
    return KafkaPublisher(settings) if settings.publish else NoPublisher()


class KafkaPublisher:
    """Publishes through one kafka-python producer, which it replaces when it comes under suspicion.

    A producer is under suspicion from the first outcome that is unknown: an acknowledgement that
    did not come, a batch that failed. From then on events are refused at once, for one that is
    handed to a producer whose broker is away sits in its accumulator, and may be published long
    after its client was told otherwise. A watching thread asks the broker until it answers, and
    then puts a fresh producer in place: the old one may be beyond repair. It has as long again
    as an acknowledgement may take to finish its last records, and gives up on the rest.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        connect: Callable[[Settings], Producer] | None = None,
        answers: Callable[[Settings], bool] | None = None,
    ) -> None:
        self._settings = settings
        self._connect = connect or connect_producer
        self._answers = answers or broker_answers
        self._state = threading.Condition()  # guards the three below
        self._source: _ProducerHandle | None = None  # none while the broker is away
        self._outstanding = 0
        self._closing = False
        self._wanted = threading.Event()  # a producer is wanted, or the watcher is to stop
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="broker-watch", daemon=True)

    def start(self) -> None:
        """Connect if the broker answers within the time-out, and keep trying if it does not."""
        if not self._renew():
            servers = ", ".join(self._settings.bootstrap_servers)
            log.warning(
                "no broker with topic %r at %s: answering 503 until there is one",
                self._settings.topic,
                servers,
            )
            self._wanted.set()
        self._watcher.start()

    def publish(self, event: Event, key: str | None) -> RecordPosition | None:
        """Publish one event, and return its place once the broker has acknowledged it."""
        return self.hand_over(event, key).place()

    def hand_over(self, event: Event, key: str | None) -> Publication:
        """Give an event to the producer, which will tell what became of it."""
        value = encode_event(event)
        key_bytes = None if key is None else key.encode("utf-8")
        source = self._admit()
        deadline_s = time.monotonic() + self._settings.ack_timeout_s
        pending = self._send(source, value, key_bytes)
        return _KafkaPublication(
            pending,
            deadline_s,
            functools.partial(self._suspect, source),
            self._settings.acks,
            source.closed.is_set,
        )

    def is_open(self) -> bool:
        """Whether there is a producer, and it is not closing."""
        with self._state:
            return self._source is not None and not self._closing

    def is_ready(self) -> bool:
        """Whether there is a producer, and the broker answers right now."""
        return self.is_open() and self._answers(self._settings)

    def close(self) -> None:
        """Refuse new events, wait for the outcome of those taken, and close the producer."""
        with self._state:
            self._closing = True
            source, self._source = self._source, None
        self._stop.set()
        self._wanted.set()
        with self._state:
            settled = self._state.wait_for(
                lambda: self._outstanding == 0, timeout=self._settings.ack_timeout_s + 1
            )
        if not settled:
            log.warning("closing with %d events unacknowledged", self._outstanding)
        if source is not None:
            source.close(1.0)

    def _admit(self) -> _ProducerHandle:
        """Count an event in, or refuse it while nothing of it has left this process."""
        with self._state:
            if self._closing:
                raise NotPublished("The service is shutting down.")
            if self._source is None:
                raise NotPublished("The broker cannot be reached.")
            if self._outstanding >= self._settings.max_outstanding:
                raise NotPublished("Too many events await their acknowledgement.")
            self._outstanding += 1
            return self._source

    def _send(self, source: _ProducerHandle, value: bytes, key: bytes | None) -> Pending:
        try:
            with requests.handing_over():
                pending = source.producer.send(self._settings.topic, value=value, key=key)
        except MessageSizeTooLargeError as error:
            self._settle(None)
            raise RecordTooLarge("The event is too large.") from error
        except _NEVER_ENQUEUED as error:
            self._settle(None)
            self._suspect(source, error)
            raise NotPublished("The topic cannot be reached.") from error
        except Exception as error:
            self._settle(None)
            self._suspect(source, error)
            raise OutcomeUnknown(
                "The event's hand-over failed half-way.", source.closed.is_set
            ) from error
        # Counted out when the outcome is known, not when the client's thread gives up waiting:
        # until then the record occupies the producer. Exactly one of the two is called.
        pending.add_callback(self._settle)
        pending.add_errback(self._settle)
        return pending

    def _settle(self, _outcome: object) -> None:
        with self._state:
            self._outstanding -= 1
            if self._outstanding == 0:
                self._state.notify_all()

    def _suspect(self, source: _ProducerHandle, error: Exception) -> None:
        """Use a producer no more, and want another; what it has taken may still end well."""
        with self._state:
            if self._source is not source:
                return  # another thread was first, or this is an echo of an earlier producer
            self._source = None
        log.warning(
            "broker under suspicion, answering 503 until it answers: %s", type(error).__name__
        )
        self._wanted.set()
        threading.Thread(
            target=source.close, args=(self._settings.ack_timeout_s,), daemon=True
        ).start()

    def _watch(self) -> None:
        """Put a producer in place whenever one is wanted and the broker answers."""
        while not self._stop.is_set():
            self._wanted.wait()
            if self._stop.is_set():
                return
            if self._renew():
                log.warning("the broker answers again")
            else:
                self._stop.wait(PROBE_INTERVAL_S)

    def _renew(self) -> bool:
        if not self._answers(self._settings):  # cheap, where a producer that fails to start is not
            return False
        try:
            producer = self._connect(self._settings)
        except Exception as error:  # noqa: BLE001 - whatever it raises, the watcher goes on
            log.info("no producer yet: %s", type(error).__name__)
            return False
        with self._state:
            self._wanted.clear()
            if not self._closing:
                self._source = _ProducerHandle(producer)
                return True
        producer.close(0)
        return False


@dataclass(frozen=True, slots=True)
class _KafkaPublication:
    """An event that a kafka-python producer has taken."""

    pending: Pending
    deadline_s: float
    suspect: Callable[[Exception], None]
    acks: str
    is_over: Callable[[], bool]

    def when_settled(self, then: Callable[[], None]) -> None:
        """See `Publication`; kafka-python calls exactly one of the two, in its sender's thread."""
        self.pending.add_callback(lambda _: then())
        self.pending.add_errback(lambda _: then())

    def place(self) -> RecordPosition | None:
        """See `Publication`; without an outcome the producer comes under suspicion."""
        try:
            record = self.pending.get(max(0.0, self.deadline_s - time.monotonic()))
        except KafkaError as error:
            # A time-out is not a failure: the broker may hold the event, or may yet get it. Nor is
            # any other error proof: kafka-python fails all that is in flight with the first error
            # that no retry mends, whichever record it was for.
            self.suspect(error)
            raise OutcomeUnknown(
                "The broker has not acknowledged the event.", self.is_over
            ) from error
        # With acks=0 no broker has told an offset, whatever kafka-python gives for one.
        is_told = self.acks != "0" and record.offset >= 0
        return RecordPosition(record.partition, record.offset) if is_told else None
