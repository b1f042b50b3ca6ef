"""The watch: a process beside the generator that reads the run's part of the topic as it grows.

    python -m headcount.live.watch BROKERS TOPIC TAG '{"0": 17, "1": 4}'

It is told where each partition began, writes a sight as a line twice a second, and goes on until it
is ended. It is nice to the generator, whose machine it may share.
"""

import json
import os
import sys
import time
from collections.abc import Generator, Mapping

from kafka import KafkaConsumer, TopicPartition

from headcount.errors import PartError
from headcount.live.sight import Sight, Tally, dump
from headcount.stack.client import connected

TELL_EVERY_S = 0.5
NICENESS = 10
TIMEOUT_S = 30.0
_LOOK_EVERY_MS = 1000
"""For partitions that are added: well before an event is missing that is not seen."""
_BATCH = 2_000
_ARGUMENTS = 5


def main() -> None:
    """Watch until it is ended."""
    if len(sys.argv) != _ARGUMENTS:
        sys.exit(__doc__)
    brokers, topic, tag, offsets = sys.argv[1:]
    start = {int(number): int(offset) for number, offset in json.loads(offsets).items()}
    os.nice(NICENESS)
    try:
        for sight in sights(brokers, topic, tag, start):
            sys.stdout.buffer.write(dump(sight))
            sys.stdout.buffer.flush()
    except PartError as error:
        sys.exit(f"the topic cannot be watched: {error}")


def sights(brokers: str, topic: str, tag: str, start: Mapping[int, int]) -> Generator[Sight]:
    """Read the topic from where the run began, and give a sight every TELL_EVERY_S.

    Raises:
        PartError: No broker answers, or it refuses.
    """
    tally = Tally(tag)
    places = {TopicPartition(topic, number): offset for number, offset in start.items()}
    with connected(
        brokers,
        TIMEOUT_S,
        f"read {topic!r}",
        KafkaConsumer,
        enable_auto_commit=False,
        isolation_level="read_committed",
        metadata_max_age_ms=_LOOK_EVERY_MS,
    ) as consumer:
        consumer.assign(list(places))
        for place, offset in places.items():
            consumer.seek(place, offset)
        complete_at_s = asked_at_s = time.monotonic()
        ends = _ends(consumer, topic)
        while True:
            _read(consumer, tally)
            positions = {place: consumer.position(place) for place in consumer.assignment()}
            if all(positions[place] >= end for place, end in ends.items()):
                complete_at_s, asked_at_s = asked_at_s, time.monotonic()
                ends = _ends(consumer, topic)
                positions |= dict.fromkeys(ends.keys() - positions.keys(), 0)
            unread = sum(max(0, end - positions[place]) for place, end in ends.items())
            yield Sight(
                time.monotonic(), complete_at_s, dict(tally.counts()), tally.duplicated, unread
            )


def _ends(consumer: KafkaConsumer, topic: str) -> dict[TopicPartition, int]:
    """Ask where partitions end; those that were added since are read from their beginning on."""
    known = consumer.assignment()
    found = {TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)}
    if added := found - known:
        consumer.assign([*known, *added])
        for place in added:
            consumer.seek(place, 0)
    ends: dict[TopicPartition, int] = consumer.end_offsets(list(known | added))
    return ends


def _read(consumer: KafkaConsumer, tally: Tally) -> None:
    """Count what comes in TELL_EVERY_S."""
    until_s = time.monotonic() + TELL_EVERY_S
    while (left_s := until_s - time.monotonic()) > 0:
        polled = consumer.poll(timeout_ms=max(1, int(left_s * 1000)), max_records=_BATCH)
        for records in polled.values():
            for record in records:
                tally.add(record.value)


if __name__ == "__main__":
    main()
