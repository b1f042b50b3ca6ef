"""Generates a run within a minute: a topic and a ledger like those of a long test.

    python -m bench.runs.generate RUN_FOLDER BOOTSTRAP_SERVERS TOPIC EVENTS FAULTS

The events are those of the game API under `locustfiles/mixed.py`, with real digests and times. The
run folder is complete, so `headcount verify` judges it like any other. FAULTS acknowledged events,
evenly spread, are missing from the topic.
"""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from random import Random

from confluent_kafka import Producer
from headcount_players._choices import a_guild, a_player, a_sword

from headcount.kafka import cluster_metadata, topic
from headcount.kafka.cluster import Cluster
from headcount.ledger.event_digest import digest, shape
from headcount.ledger.location import open_location
from headcount.ledger.schema import Row
from headcount.ledger.writer import LedgerWriter
from headcount.run.folder import RunFolder
from headcount.run.ids import EventId, new_tag
from headcount.run.manifest import End, Generators, Manifest
from headcount.run.request_outcome import Outcome

GENERATORS = 2
SEGMENT_ROWS = 50_000
QUEUED_MESSAGES = 100_000
POLL_EVERY = 1000
ANSWERED_AFTER_NS = 1_000_000
POOL = 4096
FLUSH_TIMEOUT_S = 60.0
_EVENT = b'%b%b%b,"receipt":"%032x"}'
_SPREAD = 0x9E3779B97F4A7C15F39CC0605CEDC835  # odd, so that all receipts differ
_HEADERS = {"Host": "127.0.0.1:8000", "User-Agent": "python/gevent-http-client-2.6.1"}


@dataclass(frozen=True, slots=True)
class GeneratedEvent:
    """A repeated event: its JSON is `before`, the id, `after` and a receipt.

    The receipt is unique for each repetition, as the service generates one for each event.
    """

    event_type: str
    shape: str
    digest: int
    key: str | None
    before: bytes
    after: bytes

    def value(self, event_id: bytes, number: int) -> bytes:
        """Encode the event with an id, and with the receipt for a number."""
        return _EVENT % (self.before, event_id, self.after, number * _SPREAD % (1 << 128))


@dataclass(slots=True)
class RunBuilder:
    """Publishes and writes a run; `missing` are the indices of the lost events."""

    producer: Producer
    topic: str
    tag: str
    events: int
    missing: frozenset[int]
    event_templates: list[GeneratedEvent]
    published: int = 0

    def block(self, generator: int, first: int, last: int) -> Iterator[Row]:
        """Publish a block of one generator's sequence numbers, and yield its ledger rows."""
        prefix = str(EventId(self.tag, generator, 0))[:-1].encode()
        for seq in range(first, last):
            index = seq * GENERATORS + generator
            template = self.event_templates[index % POOL]
            now_ns = time.time_ns()
            if index not in self.missing:
                self.publish(template.value(b"%b%d" % (prefix, seq), index), template.key)
            yield a_row(seq, template, now_ns)
            if seq % POLL_EVERY == 0:
                self.producer.poll(0)

    def publish(self, value: bytes, key: str | None, at_ms: int = 0) -> None:
        """Pass a message to the producer; `at_ms` is its timestamp, 0 for now."""
        while True:
            try:
                self.producer.produce(self.topic, value, key, timestamp=at_ms)
            except BufferError:  # the queue is full: wait until there is space
                self.producer.poll(0.1)
            else:
                self.published += 1
                return


def generate(folder: RunFolder, servers: str, name: str, events: int, faults: int) -> None:
    """Generate a complete run: manifest, topic, ledger and end."""
    folder.create()
    manifest = a_manifest(folder, servers, name)
    folder.write_manifest(manifest)
    folder.write_generators(Generators(tuple(range(GENERATORS))))
    missing = frozenset(number * events // faults for number in range(faults))
    builder = RunBuilder(producer(servers), name, manifest.tag, events, missing, event_templates())
    finish(builder, folder, manifest)
    assert builder.published == events - faults, (
        f"{builder.published} of {events - faults} were sent"
    )


def producer(servers: str) -> Producer:
    """Connect to the brokers."""
    return Producer(
        {
            "bootstrap.servers": servers,
            "enable.idempotence": True,
            "linger.ms": 20,
            "batch.size": 262_144,
            "queue.buffering.max.messages": QUEUED_MESSAGES,
        }
    )


def finish(builder: RunBuilder, folder: RunFolder, manifest: Manifest) -> None:
    """Publish and write all attempts of a run, and its end."""
    servers, name = manifest.bootstrap_servers, manifest.topic
    _write(builder, folder.ledger_location(manifest))
    left = builder.producer.flush(FLUSH_TIMEOUT_S)
    assert left == 0, f"{left} messages were not delivered"
    end = End(
        end_offsets=topic.end_offsets(Cluster(servers), name),
        log_start_offsets=topic.beginning_offsets(Cluster(servers), name),
        read_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )
    published = sum(end.end_offsets.values()) - sum(manifest.start_offsets.values())
    assert published == builder.published, f"{published} of {builder.published} are in the topic"
    folder.write_end(end)


def _write(builder: RunBuilder, location: str) -> None:
    """Publish and write block by block, alternating the generators."""
    filesystem, path = open_location(location)
    shares = [len(range(number, builder.events, GENERATORS)) for number in range(GENERATORS)]
    writers = [LedgerWriter(filesystem, path, builder.tag, number) for number in range(GENERATORS)]
    for writer in writers:
        writer.open()
    for first in range(0, max(shares), SEGMENT_ROWS):
        for writer, share in zip(writers, shares, strict=True):
            last = min(first + SEGMENT_ROWS, share)
            if first < last:
                writer.reserve(last - first)
                writer.write_segment(list(builder.block(writer.generator, first, last)))
    for writer, share in zip(writers, shares, strict=True):
        writer.seal(share)


def a_row(seq: int, template: GeneratedEvent, now_ns: int) -> Row:
    """Make the row of an attempt that was acknowledged immediately."""
    return Row(
        seq=seq,
        event_type=template.event_type,
        scenario_user="Player",
        shape=template.shape,
        digest=template.digest,
        intended_at_ns=now_ns,
        sent_at_ns=now_ns,
        answered_at_ns=now_ns + ANSWERED_AFTER_NS,
        http_status=200,
        outcome=Outcome.ACKED.value,
        error=None,
    )


def event_templates() -> list[GeneratedEvent]:
    """Make the pool of POOL events that a run repeats."""
    random = Random(7)  # noqa: S311 - traffic
    contents: list[dict[str, object]] = []
    for event_type in random.choices(
        ("default", "purchase_sword", "join_guild"), (5, 3, 2), k=POOL
    ):
        fields: dict[str, object] = {}
        if event_type == "purchase_sword":
            fields = a_sword(random)
        elif event_type == "join_guild":
            fields = {"player_id": a_player(random), "guild": a_guild(random)}
        contents.append({"event_type": event_type, **fields})
    return [_event_template(content) for content in contents]


def _event_template(content: dict[str, object]) -> GeneratedEvent:
    """Encode an event as the service does: the headers with the id, followed by `content`."""
    event = {**_HEADERS, "X-Event-Id": "\0", **content}
    text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    before, after = text.encode().removesuffix(b"}").split(b"\\u0000")
    player = content.get("player_id")
    return GeneratedEvent(
        event_type=str(content["event_type"]),
        shape=shape(content),
        digest=digest(content),
        key=None if player is None else str(player),
        before=before,
        after=after,
    )


def a_manifest(folder: RunFolder, servers: str, name: str) -> Manifest:
    """Make the manifest of a run; create its topic if it is missing."""
    described = topic.ensure_topic(Cluster(servers), name, partitions=4)
    return Manifest(
        run_id=folder.run_id,
        created_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        headcount_version=version("headcount"),
        scenario="bench/runs/generate.py",
        host="http://127.0.0.1:8000",
        bootstrap_servers=servers,
        cluster_id=cluster_metadata.cluster_id(Cluster(servers)),
        topic=name,
        topic_id=described.topic_id,
        cleanup_policy=described.cleanup_policy or "",
        start_offsets=topic.end_offsets(Cluster(servers), name),
        tag=new_tag(),
    )


if __name__ == "__main__":
    path, bootstrap_servers, topic_name, number, missing_number = sys.argv[1:]
    generate(RunFolder(Path(path)), bootstrap_servers, topic_name, int(number), int(missing_number))
