"""The watch: a process beside the generator that reads the run's part of the topic as it grows.

    python -m headcount.monitor.topic_watcher BROKERS TOPIC TAG FIELD '{"0": 17, "1": 4}'

It is told where each partition began, writes a sight as a line twice a second, and goes on until it
is ended, also while no broker answers. It reads as the judge does, by the same client, and is nice
to the generator, whose machine it may share.
"""

import json
import os
import sys
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from headcount.errors import PartError
from headcount.kafka.consumer_settings import READING
from headcount.monitor.message_ids import Headers, Identities
from headcount.monitor.topic_counts import TopicCounter, TopicCounts, dump

TELL_EVERY_S = 0.5
NICENESS = 10
TIMEOUT_S = 5.0
"""How long brokers are given for an answer; then that they give none is told, and they are asked
again."""
_BATCH = 2_000
_ARGUMENTS = 6
_SETTINGS = {
    **READING,
    # What waits to be taken is bounded by its bytes.
    "queued.max.messages.kbytes": 16 << 10,
    "reconnect.backoff.max.ms": 2_000,
}


def main() -> None:
    """Watch until it is ended."""
    if len(sys.argv) != _ARGUMENTS:
        sys.exit(__doc__)
    brokers, topic, tag, name, offsets = sys.argv[1:]
    start = {int(number): int(offset) for number, offset in json.loads(offsets).items()}
    os.nice(NICENESS)
    try:
        for sight in sights(brokers, topic, Identities(tag, name), start):
            sys.stdout.buffer.write(dump(sight))
            sys.stdout.buffer.flush()
    except PartError as error:
        sys.exit(f"the topic cannot be watched: {error}")


def sights(
    brokers: str, topic: str, identities: Identities, start: Mapping[int, int]
) -> Generator[TopicCounts]:
    """Read the topic from where the run began, and give a sight about every TELL_EVERY_S.

    Raises:
        PartError: What is to be read next cannot be read any more.
    """
    problems: list[str] = []
    settings = {
        "bootstrap.servers": brokers,
        "error_cb": lambda error: problems.append(error.str()),
        "logger": _Silent(),
    }
    client = confluent_kafka.Consumer({**_SETTINGS, **settings})
    try:
        reading = _TopicReader(client, topic, TopicCounter(identities), dict(start), problems)
        reading.assign()
        yield from reading.sights()
    finally:
        client.close()


class _Silent:
    """Takes what the client logs; what matters of it comes as errors."""

    def log(self, *_: object) -> None:
        """Take a line."""


@dataclass(slots=True)
class _TopicReader:
    """A topic that is being read: by partition, the offset of what is read next, and the end."""

    client: confluent_kafka.Consumer
    topic: str
    tally: TopicCounter
    positions: dict[int, int]
    problems: list[str]
    ends: dict[int, int] = field(default_factory=dict)

    def assign(self) -> None:
        """Read on in all partitions from where they were read to."""
        self.client.assign(
            [TopicPartition(self.topic, number, at) for number, at in self.positions.items()]
        )

    def sights(self) -> Generator[TopicCounts]:
        """Read, and tell what was seen."""
        complete_at_s = asked_at_s = time.monotonic()
        is_asked = self._ask()
        while True:
            self._read()
            if is_asked and all(self.positions[each] >= end for each, end in self.ends.items()):
                complete_at_s = asked_at_s
                is_asked = False
                self.problems.clear()
            if not is_asked:
                asked_at_s = time.monotonic()
                is_asked = self._ask()
            yield TopicCounts(
                time.monotonic(),
                complete_at_s,
                dict(self.tally.counts()),
                self.tally.duplicated,
                self._unread,
                self.tally.seen(),
                self.problems[-1] if self.problems else "",
            )

    @property
    def _unread(self) -> int:
        return sum(max(0, end - self.positions[number]) for number, end in self.ends.items())

    def _ask(self) -> bool:
        """Ask where partitions end, and read those that were added; tell whether all answered."""
        try:
            found = self.client.list_topics(self.topic, TIMEOUT_S).topics[self.topic]
            if added := found.partitions.keys() - self.positions.keys():
                self.positions |= dict.fromkeys(added, 0)
                self.assign()
            for number in self.positions:
                place = TopicPartition(self.topic, number)
                _, self.ends[number] = self.client.get_watermark_offsets(place, TIMEOUT_S)
        except KafkaException as error:
            self.problems.append(error.args[0].str())
            return False
        return True

    def _read(self) -> None:
        """Count what comes in TELL_EVERY_S."""
        until_s = time.monotonic() + TELL_EVERY_S
        while (left_s := until_s - time.monotonic()) > 0:
            for message in self.client.consume(_BATCH, min(left_s, TELL_EVERY_S / 5)):
                self._take(message)

    def _take(self, message: Message) -> None:
        error, number, offset = message.error(), message.partition(), message.offset()
        if error is None and number is not None and offset is not None:
            self.positions[number] = offset + 1
            self.tally.add(message.value(), message.key(), _headers(message))
        elif error is not None and error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
            # It is moved over what a transaction took back, and its markers.
            if number is not None and offset is not None:
                self.positions[number] = max(self.positions.get(number, 0), offset)
        elif error is not None and error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001 - as above
            raise PartError(
                f"messages of partition {number} of {self.topic!r} were deleted before they were "
                "read: use a longer retention"
            )
        elif error is not None:
            self.problems.append(error.str())


def _headers(message: Message) -> Headers:
    headers = message.headers() or ()
    return headers.items() if isinstance(headers, dict) else headers


if __name__ == "__main__":
    main()
