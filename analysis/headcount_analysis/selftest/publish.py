"""Publishing: writes the messages of a generated run to a real topic, in order."""

import contextlib
from collections.abc import Iterator

from kafka import KafkaProducer
from kafka.errors import KafkaError

from headcount.errors import PartError
from headcount_analysis.selftest.generate import Message

UNSETTLED = 20_000
"""The maximum number of messages in flight; the producer itself has no such bound."""

FLUSH_TIMEOUT_S = 120.0


class Publisher:
    """Publishes to one topic, each message to the partition that it names."""

    def __init__(self, producer: KafkaProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic
        self._unsettled = 0

    def publish(self, message: Message) -> None:
        """Hand a message to the producer. PartError if the broker does not keep up."""
        if self._unsettled == UNSETTLED:
            self.settle()
        self._unsettled += 1
        self._producer.send(
            self._topic,
            value=message.value,
            key=message.key,
            headers=list(message.headers),
            partition=message.partition,
        )

    def settle(self) -> None:
        """Wait until all published messages are in the topic. PartError if the broker fails."""
        self._unsettled = 0
        try:
            self._producer.flush(FLUSH_TIMEOUT_S)
        except KafkaError as error:
            raise PartError(f"the broker accepts no more messages: {error}") from None


@contextlib.contextmanager
def publisher(bootstrap_servers: str, topic: str) -> Iterator[Publisher]:
    """Connect to the broker for the duration of the block."""
    producer = KafkaProducer(
        bootstrap_servers=bootstrap_servers,
        acks="all",
        enable_idempotence=True,
        linger_ms=20,
        batch_size=1 << 18,
    )
    try:
        yield Publisher(producer, topic)
    finally:
        producer.close()
