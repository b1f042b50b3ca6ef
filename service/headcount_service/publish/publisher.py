"""Publishing: sends an event to Kafka, and returns once the broker has acknowledged it.

A publisher belongs to one worker process. It owns the producer with its sender thread, and a thread
that replaces the producer. `start` creates them, so call it after the fork.
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

# What `send` raises before it adds a record to its accumulator: the topic's metadata is missing,
# the producer is closed, or no partition can be chosen. See `KafkaProducer.send`.
_NEVER_ENQUEUED = (KafkaTimeoutError, IllegalStateError, ValueError)


@dataclass(slots=True, eq=False)
class _ProducerHandle:
    """A producer, and whether it is closed and so sends nothing more."""

    producer: Producer
    closed: threading.Event = field(default_factory=threading.Event)

    def close(self, timeout_s: float) -> None:
        """Close the producer."""
        try:
            self.producer.close(timeout_s)
        finally:
            self.closed.set()


def make_publisher(settings: Settings) -> EventPublisher:
    """Create the publisher that the settings select; the caller starts it."""
    return KafkaPublisher(settings) if settings.publish else NoPublisher()


class KafkaPublisher:
    """Publishes through a kafka-python producer, and replaces it after an error.

    Such an error is an acknowledgement that does not come, a batch that fails, or a `send` that
    fails for any reason but the size of an event. From then on the publisher refuses events without
    delay: while the broker is away, a producer would keep a record in its accumulator and might
    publish it long after the client got an error. A thread probes the broker until it answers, and
    then connects a new producer, because the old one may never recover. The old one may go on
    sending its last records for one more acknowledgement time-out.
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
        self._state = threading.Condition()  # guards `_current`, `_outstanding` and `_closing`
        self._current: _ProducerHandle | None = None  # None while the broker is away
        self._outstanding = 0
        self._closing = False
        self._wanted = threading.Event()  # a producer is needed, or the thread must stop
        self._stop = threading.Event()
        self._connector = threading.Thread(
            target=self._run_connector, name="broker-connector", daemon=True
        )

    def start(self) -> None:
        """Connect if the broker answers within the time-out; else keep trying in the background."""
        if not self._reconnect():
            servers = ", ".join(self._settings.bootstrap_servers)
            log.warning(
                "no broker with topic %r answered at %s: responding 503 until one does",
                self._settings.topic,
                servers,
            )
            self._wanted.set()
        self._connector.start()

    def publish(self, event: Event, key: str | None) -> RecordPosition | None:
        """Publish one event, and return its place once the broker has acknowledged it."""
        return self.hand_over(event, key).place()

    def hand_over(self, event: Event, key: str | None) -> Publication:
        """Hand an event to the producer; see `DeferringPublisher`."""
        value = encode_event(event)
        key_bytes = None if key is None else key.encode("utf-8")
        handle = self._admit()
        deadline_s = time.monotonic() + self._settings.ack_timeout_s
        pending = self._send(handle, value, key_bytes)
        return _KafkaPublication(
            pending,
            deadline_s,
            functools.partial(self._retire, handle),
            self._settings.acks,
            handle.closed.is_set,
        )

    def is_open(self) -> bool:
        """Return whether the publisher has a producer and is not closing."""
        with self._state:
            return self._current is not None and not self._closing

    def is_ready(self) -> bool:
        """Return whether the publisher is open and the broker answers now."""
        return self.is_open() and self._answers(self._settings)

    def close(self) -> None:
        """Refuse new events, wait for the outcomes of the others, and close the producer."""
        with self._state:
            self._closing = True
            handle, self._current = self._current, None
        self._stop.set()
        self._wanted.set()
        with self._state:
            settled = self._state.wait_for(
                lambda: self._outstanding == 0, timeout=self._settings.ack_timeout_s + 1
            )
        if not settled:
            log.warning("closing with %d events unacknowledged", self._outstanding)
        if handle is not None:
            handle.close(1.0)

    def _admit(self) -> _ProducerHandle:
        """Count a new event and return the producer for it. Raises NotPublished."""
        with self._state:
            if self._closing:
                raise NotPublished("The service is shutting down.")
            if self._current is None:
                raise NotPublished("The broker cannot be reached.")
            if self._outstanding >= self._settings.max_outstanding:
                raise NotPublished("Too many events are waiting for an acknowledgement.")
            self._outstanding += 1
            return self._current

    def _send(self, handle: _ProducerHandle, value: bytes, key: bytes | None) -> Pending:
        try:
            with requests.handing_over():
                pending = handle.producer.send(self._settings.topic, value=value, key=key)
        except MessageSizeTooLargeError as error:
            self._settle(None)
            raise RecordTooLarge("The event is too large.") from error
        except _NEVER_ENQUEUED as error:
            self._settle(None)
            self._retire(handle, error)
            raise NotPublished("The topic cannot be reached.") from error
        except Exception as error:
            self._settle(None)
            self._retire(handle, error)
            raise OutcomeUnknown(
                "Handing the event to the producer failed midway.", handle.closed.is_set
            ) from error
        # Outstanding until the outcome is known, even if the client's thread has given up waiting:
        # the record still occupies the producer. kafka-python calls exactly one of the two.
        pending.add_callback(self._settle)
        pending.add_errback(self._settle)
        return pending

    def _settle(self, _outcome: object) -> None:
        with self._state:
            self._outstanding -= 1
            if self._outstanding == 0:
                self._state.notify_all()

    def _retire(self, handle: _ProducerHandle, error: Exception) -> None:
        """Stop using a producer and request another; records that it holds may still succeed."""
        with self._state:
            if self._current is not handle:
                return  # another thread was first, or the producer was retired before
            self._current = None
        log.warning(
            "replacing the producer after an error (%s): responding 503 until the broker answers",
            type(error).__name__,
        )
        self._wanted.set()
        threading.Thread(
            target=handle.close, args=(self._settings.ack_timeout_s,), daemon=True
        ).start()

    def _run_connector(self) -> None:
        """Connect a producer whenever one is needed and the broker answers."""
        while not self._stop.is_set():
            self._wanted.wait()
            if self._stop.is_set():
                return
            if self._reconnect():
                log.warning("the broker answers: publishing events")
            else:
                self._stop.wait(PROBE_INTERVAL_S)

    def _reconnect(self) -> bool:
        if not self._answers(self._settings):  # cheap, unlike a producer that fails to start
            return False
        try:
            producer = self._connect(self._settings)
        except Exception as error:  # noqa: BLE001 - the thread must go on, whatever it raises
            log.info("no producer yet: %s", type(error).__name__)
            return False
        with self._state:
            self._wanted.clear()
            if not self._closing:
                self._current = _ProducerHandle(producer)
                return True
        producer.close(0)
        return False


@dataclass(frozen=True, slots=True)
class _KafkaPublication:
    """An event that a kafka-python producer has taken."""

    pending: Pending
    deadline_s: float
    retire: Callable[[Exception], None]
    acks: str
    is_over: Callable[[], bool]

    def when_settled(self, then: Callable[[], None]) -> None:
        """See `Publication`; kafka-python calls one of these two callbacks, exactly once."""
        self.pending.add_callback(lambda _: then())
        self.pending.add_errback(lambda _: then())

    def place(self) -> RecordPosition | None:
        """See `Publication`; if the outcome is unknown, the publisher replaces the producer."""
        try:
            record = self.pending.get(max(0.0, self.deadline_s - time.monotonic()))
        except KafkaError as error:
            # A time-out is not a failure: the broker may hold the event, or may yet get it. Other
            # errors prove nothing either: after a permanent error of one record, kafka-python fails
            # all records in flight.
            self.retire(error)
            raise OutcomeUnknown(
                "The broker has not acknowledged the event.", self.is_over
            ) from error
        # With acks=0 the broker reports no offset, whatever kafka-python returns.
        is_known = self.acks != "0" and record.offset >= 0
        return RecordPosition(record.partition, record.offset) if is_known else None
