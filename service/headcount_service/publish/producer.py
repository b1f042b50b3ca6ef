"""The producer: kafka-python's, adapted to a service.

Every private name of kafka-python that the service uses is used here; the tests that guard them are
in tests/service/publish:

- `KafkaProducer.flush`, so that `close` keeps to its time-out
  (test_publisher.py: all tests that close a producer)
- `kafka.net.compat.KafkaNetClient` and the option `kafka_client`: `is_ready`, `await_ready`,
  `connection_delay`, `connected` and `wakeup`, to gather records (test_producer.py: all tests)
- `KafkaNetClient.get_broker_version`, to probe a broker (test_with_broker.py: readiness)
- `kafka.partitioner.sticky.StickyPartitioner` (test_with_broker.py: events without a key)
"""

import functools
import math
import os
import time
from collections.abc import Callable
from typing import Any, Protocol

from kafka import KafkaProducer
from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient
from kafka.partitioner.sticky import StickyPartitioner

from headcount_service.inflight import InflightRequests, requests
from headcount_service.settings import Settings

GATHER_S = 0.008  # the longest that a record waits for others
_RECONNECT_BACKOFF_MAX_MS = 1000  # kafka-python's own 30 s would outlast most outages


class Pending(Protocol):
    """The part of kafka-python's future that is used here."""

    def get(self, timeout: float) -> Any:
        """Wait for the acknowledgement."""

    def add_callback(self, f: Callable[[Any], None]) -> Any:
        """Call `f` once acknowledged."""

    def add_errback(self, f: Callable[[Any], None]) -> Any:
        """Call `f` once failed."""


class Producer(Protocol):
    """The part of `KafkaProducer` that is used here."""

    def send(self, topic: str, value: bytes, key: bytes | None) -> Pending:
        """Hand a record to the accumulator."""

    def close(self, timeout: float) -> None:
        """Send what the accumulator holds, give up on what is left after `timeout` s, and end."""


class _ClosingProducer(KafkaProducer):  # type: ignore[misc] # it carries no types
    """A producer whose `close` keeps to its time, and always closes.

    kafka-python's begins with a flush, which waits anew for each batch and raises, with nothing
    closed, when one does not settle in time. One may never settle: after a batch has expired in
    its second try, an idempotent producer can be without a producer id for good. Without the flush
    the sender thread still sends all there is while `close` waits for it, and fails the rest.
    """

    def flush(self, timeout: float | None = None) -> None:
        """Do nothing: see the class."""


class GatheringClient(KafkaNetClient):  # type: ignore[misc] # it carries no types
    """A client that decides when the sender sends the gathered records.

    A produce request costs the interpreter and the broker much the same whatever is in it. So a
    record waits while requests are in progress that may bring another, but not for longer than
    `GATHER_S`; one that comes alone goes at once. And while a connection has no room, the sender
    waits for an answer: kafka-python's asks again and again whether there is room now, and keeps
    the interpreter from everything else meanwhile.
    """

    def __init__(self, *, requests: InflightRequests, **options: Any) -> None:
        super().__init__(**options)
        self._requests = requests
        self._gathered_s: dict[Any, float] = {}  # by node, from when on it waits for no others

    def is_ready(self, node_id: Any) -> bool:
        """Whether to send to a node now; only the sender asks, and only with records."""
        if not super().is_ready(node_id):
            return False
        if not self._requests.is_none() and not self._has_waited(node_id):
            return False
        self._gathered_s.pop(node_id, None)
        return True

    def _has_waited(self, node_id: Any) -> bool:
        if node_id not in self._gathered_s:
            self._gathered_s[node_id] = time.monotonic() + GATHER_S
            self._requests.when_none(self.wakeup)
        return time.monotonic() >= self._gathered_s[node_id]

    def await_ready(self, node_id: Any, timeout_ms: float = 30_000) -> bool:
        """Wait for a connection, for a request without records: it does not gather."""
        self._gathered_s[node_id] = 0.0  # as if all had been waited for
        return bool(super().await_ready(node_id, timeout_ms))

    def connection_delay(self, node_id: Any) -> float:
        """Milliseconds to leave a node alone, unless something happens."""
        if not self.connected(node_id):
            return float(super().connection_delay(node_id))
        if not super().is_ready(node_id):
            return math.inf
        return max(0.0, self._gathered_s.get(node_id, 0.0) - time.monotonic()) * 1000


def connect_producer(settings: Settings) -> Producer:
    """Connect a producer that knows the topic's partitions, so that `send` need not wait.

    Raises:
        KafkaError: the broker did not answer in time, or has no such topic.
    """
    ack_timeout_ms = int(settings.ack_timeout_s * 1000)
    connect_timeout_ms = int(settings.connect_timeout_s * 1000)
    producer = _ClosingProducer(
        bootstrap_servers=list(settings.bootstrap_servers),
        client_id=f"service-{os.getpid()}",
        acks="all" if settings.acks == "all" else int(settings.acks),
        # Said even where it is the default: unsaid, kafka-python gives it up without an error.
        enable_idempotence=settings.idempotence,
        # A record lives no longer than its client waits: later it could only surprise.
        delivery_timeout_ms=ack_timeout_ms,
        request_timeout_ms=ack_timeout_ms // 2,  # leaves time for one more try
        max_block_ms=connect_timeout_ms,
        bootstrap_timeout_ms=connect_timeout_ms,
        reconnect_backoff_max_ms=_RECONNECT_BACKOFF_MAX_MS,
        # A topic that comes into being through a misspelling has the wrong partitions, too.
        allow_auto_create_topics=False,
        max_request_size=settings.max_event_bytes,
        metrics_enabled=False,
        # A broker takes up one request of a connection at a time: what comes while one is under way
        # goes with the next. How long that waits for more, `GatheringClient` says.
        max_in_flight_requests_per_connection=1,
        # What has no key goes to one partition, until its batch is sent (KIP-480): each batch costs
        # much the same, too, whatever is in it.
        partitioner=StickyPartitioner(),
        kafka_client=functools.partial(GatheringClient, requests=requests),
    )
    try:
        producer.partitions_for(settings.topic)
    except KafkaError:
        producer.close(0)
        raise
    return producer


def broker_answers(settings: Settings) -> bool:
    """Whether a broker answers now, over a separate connection.

    A connection alone proves nothing: the kernel accepts it for a stopped process.
    """
    timeout_ms = int(settings.connect_timeout_s * 1000)
    client = KafkaNetClient(
        bootstrap_servers=list(settings.bootstrap_servers),
        client_id=f"service-{os.getpid()}-probe",
        request_timeout_ms=timeout_ms,
    )
    try:
        client.get_broker_version(timeout_ms=timeout_ms)
    except (KafkaError, OSError):
        return False
    else:
        return True
    finally:
        client.close()
