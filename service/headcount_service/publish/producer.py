"""The producer: kafka-python's, adapted to a service.

Only this module uses kafka-python's private names; the tests that guard them are in
tests/service/publish:

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

GATHER_S = 0.008  # the longest time that a record waits for others
_RECONNECT_BACKOFF_MAX_MS = 1000  # kafka-python's default, 30 s, is longer than most outages


class Pending(Protocol):
    """The part of kafka-python's future that the service uses."""

    def get(self, timeout: float) -> Any:
        """Wait for the acknowledgement."""

    def add_callback(self, f: Callable[[Any], None]) -> Any:
        """Call `f` when the record has been acknowledged."""

    def add_errback(self, f: Callable[[Any], None]) -> Any:
        """Call `f` when the record has failed."""


class Producer(Protocol):
    """The part of `KafkaProducer` that the service uses."""

    def send(self, topic: str, value: bytes, key: bytes | None) -> Pending:
        """Hand a record to the accumulator."""

    def close(self, timeout: float) -> None:
        """Send what the accumulator holds, for up to `timeout` s; fail the rest, and close."""


class _ClosingProducer(KafkaProducer):  # type: ignore[misc] # kafka-python has no types
    """A producer whose `close` always closes, and within its time-out.

    kafka-python's `close` first flushes. The flush applies the time-out to each batch, and raises
    if a batch does not settle in time, which leaves the producer open. A batch may never settle:
    after one has expired on its second try, an idempotent producer may never get a producer id
    again. Without the flush, the sender thread still goes on sending while `close` waits for it.
    The records that it has not sent by then fail.
    """

    def flush(self, timeout: float | None = None) -> None:
        """Do nothing: see the class."""


class GatheringClient(KafkaNetClient):  # type: ignore[misc] # kafka-python has no types
    """A client that decides when the sender sends the gathered records.

    A produce request costs the interpreter and the broker about the same, however many records it
    holds. So a record waits, for at most `GATHER_S`, while HTTP requests in progress may publish
    more; without such requests it is sent without delay. If a connection to the broker has reached
    its limit of requests in flight, the sender waits for a response, where kafka-python's own
    client would poll in a busy loop.
    """

    def __init__(self, *, requests: InflightRequests, **options: Any) -> None:
        super().__init__(**options)
        self._requests = requests
        self._gathered_s: dict[Any, float] = {}  # by node: when to stop waiting for more records

    def is_ready(self, node_id: Any) -> bool:
        """Return whether to send to a node now; the sender asks when it has records for it."""
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
        """Wait for a connection, not for records: the sender is to make a request without any."""
        self._gathered_s[node_id] = 0.0  # as if the wait were over
        return bool(super().await_ready(node_id, timeout_ms))

    def connection_delay(self, node_id: Any) -> float:
        """Return for how many ms the sender may ignore a node, unless it is woken up."""
        if not self.connected(node_id):
            return float(super().connection_delay(node_id))
        if not super().is_ready(node_id):
            return math.inf
        return max(0.0, self._gathered_s.get(node_id, 0.0) - time.monotonic()) * 1000


def connect_producer(settings: Settings) -> Producer:
    """Connect a producer and load the topic's partitions, so that `send` need not wait.

    Raises:
        KafkaError: The broker did not answer in time, or does not have the topic.
    """
    ack_timeout_ms = int(settings.ack_timeout_s * 1000)
    connect_timeout_ms = int(settings.connect_timeout_s * 1000)
    producer = _ClosingProducer(
        **settings.connection_options,
        client_id=f"service-{os.getpid()}",
        acks="all" if settings.acks == "all" else int(settings.acks),
        # Set even if on is the default: kafka-python may silently turn off a default idempotence.
        enable_idempotence=settings.idempotence,
        # A record expires when its client stops waiting: nobody expects the event afterwards.
        delivery_timeout_ms=ack_timeout_ms,
        request_timeout_ms=ack_timeout_ms // 2,  # leaves time for one retry
        max_block_ms=connect_timeout_ms,
        bootstrap_timeout_ms=connect_timeout_ms,
        reconnect_backoff_max_ms=_RECONNECT_BACKOFF_MAX_MS,
        # A misspelled topic must not be created; it would also have the wrong partitions.
        allow_auto_create_topics=False,
        max_request_size=settings.max_event_bytes,
        metrics_enabled=False,
        # A broker processes one request per connection at a time. Records that arrive in the
        # meantime go into the next request; `GatheringClient` decides how long it waits for more.
        max_in_flight_requests_per_connection=1,
        # Records without a key go to one partition until their batch is sent (KIP-480): a batch,
        # too, costs about the same, however many records it holds.
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
    """Return whether a broker answers a request on a new connection.

    A connection alone proves nothing: the kernel accepts it even for a suspended process.
    """
    timeout_ms = int(settings.connect_timeout_s * 1000)
    client = KafkaNetClient(
        **settings.connection_options,
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
