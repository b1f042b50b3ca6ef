"""The topic watcher: a process that reads the topic during the run, from the run's start offsets.

    python -m headcount.monitor.topic_watcher reports/my-run

The run's folder names the brokers, the topic and its start offsets. Twice a second it prints its
`TopicCounts` as a line of JSON, until it is terminated; it also keeps running while no broker
answers. It uses the same client and settings as the verification, and runs at a lower priority,
because it may share the generator's machine.
"""

import os
import sys
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from headcount.errors import HeadcountError, PartError
from headcount.kafka.cluster import Cluster
from headcount.kafka.reading_guarantees import consumer_settings
from headcount.kafka_settings.config_file import from_environment
from headcount.monitor.message_ids import Headers, Identities
from headcount.monitor.topic_counts import TopicCounter, TopicCounts, dump
from headcount.run.folder import RunFolder

REPORT_EVERY_S = 0.5
NICENESS = 10
TIMEOUT_S = 5.0
"""How long to wait for a broker's response before reporting a problem and trying again."""
_BATCH = 2_000
_ARGUMENTS = 2
_SETTINGS = {
    # Bounds the client's prefetch queue in bytes.
    "queued.max.messages.kbytes": 16 << 10,
    "reconnect.backoff.max.ms": 2_000,
}


def main() -> None:
    """Watch the topic until the process is terminated."""
    if len(sys.argv) != _ARGUMENTS:
        sys.exit(__doc__)
    os.nice(NICENESS)
    try:
        run = RunFolder(Path(sys.argv[1])).read_manifest()
        cluster = Cluster(run.bootstrap_servers, from_environment(os.environ))
        identities = Identities(run.ids, run.id_location, run.id_header)
        for counts in watch_topic(cluster, run.topic, identities, run.start_offsets):
            sys.stdout.buffer.write(dump(counts))
            sys.stdout.buffer.flush()
    except HeadcountError as error:
        sys.exit(f"the topic cannot be watched: {error}")


def watch_topic(
    cluster: Cluster, topic: str, identities: Identities, start: Mapping[int, int]
) -> Generator[TopicCounts]:
    """Read the topic from the start offsets, and yield counts about every REPORT_EVERY_S.

    Raises:
        PartError: The next messages to read were deleted.
    """
    problems: list[str] = []
    settings = {
        **_SETTINGS,
        "error_cb": lambda error: problems.append(error.str()),
        "logger": _Silent(),
    }
    client = confluent_kafka.Consumer(consumer_settings(cluster, settings))
    try:
        reader = _TopicReader(client, topic, TopicCounter(identities), dict(start), problems)
        reader.assign()
        yield from reader.counts()
    finally:
        client.close()


class _Silent:
    """Discards the client's log; the errors that matter arrive through `error_cb`."""

    def log(self, *_: object) -> None:
        """Discard a line."""


@dataclass(slots=True)
class _TopicReader:
    """A topic being read; `positions` has each partition's next offset, `ends` its end offset."""

    client: confluent_kafka.Consumer
    topic: str
    counter: TopicCounter
    positions: dict[int, int]
    problems: list[str]
    ends: dict[int, int] = field(default_factory=dict)

    def assign(self) -> None:
        """Assign all partitions at their next offsets."""
        self.client.assign(
            [TopicPartition(self.topic, number, at) for number, at in self.positions.items()]
        )

    def counts(self) -> Generator[TopicCounts]:
        """Read the topic, and yield the counts after each read."""
        complete_at_s: float | None = None
        ends_at_s = time.monotonic()
        has_ends = self._fetch_ends()
        while True:
            self._read()
            if has_ends and all(
                self.positions[partition] >= end for partition, end in self.ends.items()
            ):
                complete_at_s = ends_at_s
                has_ends = False
                self.problems.clear()
            if not has_ends:
                ends_at_s = time.monotonic()
                has_ends = self._fetch_ends()
            yield TopicCounts(
                time.monotonic(),
                complete_at_s,
                dict(self.counter.counts()),
                self.counter.duplicated,
                self._unread,
                self.counter.seen(),
                self.problems[-1] if self.problems else "",
            )

    @property
    def _unread(self) -> int:
        return sum(max(0, end - self.positions[number]) for number, end in self.ends.items())

    def _fetch_ends(self) -> bool:
        """Fetch end offsets, and assign added partitions; return whether all brokers answered."""
        try:
            metadata = self.client.list_topics(self.topic, TIMEOUT_S).topics[self.topic]
            if added := metadata.partitions.keys() - self.positions.keys():
                self.positions |= dict.fromkeys(added, 0)
                self.assign()
            for number in self.positions:
                partition = TopicPartition(self.topic, number)
                _, self.ends[number] = self.client.get_watermark_offsets(partition, TIMEOUT_S)
        except KafkaException as error:
            self.problems.append(error.args[0].str())
            return False
        return True

    def _read(self) -> None:
        """Count the messages that arrive within REPORT_EVERY_S."""
        until_s = time.monotonic() + REPORT_EVERY_S
        while (left_s := until_s - time.monotonic()) > 0:
            for message in self.client.consume(_BATCH, min(left_s, REPORT_EVERY_S / 5)):
                self._count(message)

    def _count(self, message: Message) -> None:
        error, number, offset = message.error(), message.partition(), message.offset()
        if error is None and number is not None and offset is not None:
            self.positions[number] = offset + 1
            self.counter.add(message.value(), message.key(), _headers(message))
        elif error is not None and error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
            # The offset skips aborted messages and transaction markers, which are never delivered.
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
