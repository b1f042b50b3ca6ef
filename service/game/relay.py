"""The relay: publishes the events whose makers did not get to it, or do not know whether they did.

It takes them up once their leases are over, and first looks in the topic whether they are there:
a worker may have died between the acknowledgement and its note of it. An event is then published
again only if the broker took in the first one later than that, which a broker that answers does not
keep for as long as a lease.
"""

import json
import logging
import threading
from collections.abc import Iterable, Sequence

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from service.errors import PublishError
from service.game import outbox
from service.game.database import Database
from service.game.outbox import RECEIPT, Entry
from service.game.play import lease_ms
from service.publisher import Place, Publisher
from service.settings import Settings

log = logging.getLogger(__name__)

INTERVAL_S = 0.5
CLOCK_MARGIN_MS = 30_000
_POLL_MS = 500


class Relay:
    """A thread of a worker that looks after what is left over, in all workers' names."""

    def __init__(self, settings: Settings, database: Database, publisher: Publisher) -> None:
        self._settings = settings
        self._database = database
        self._publisher = publisher
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)

    def start(self) -> None:
        """Begin; called once in each worker, after the fork."""
        self._thread.start()

    def close(self) -> None:
        """End, with what is in hand done."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(2 * self._settings.ack_timeout_s)

    def _run(self) -> None:
        while not self._stop.wait(INTERVAL_S):
            try:
                self.relay()
            except (PublishError, KafkaError) as error:
                log.warning("left-over events are not published yet: %s", error)
            except Exception:
                log.exception("unforeseen; the next round may do better")

    def relay(self) -> int:
        """Publish what is left over now, and return how many events that were.

        Raises:
            PublishError: The broker or the database does not do its part; more remains.
            KafkaError: The topic cannot be read.
        """
        if not self._publisher.is_open():
            return 0
        lease = lease_ms(self._settings)
        entries = self._database.change(lambda each: outbox.take_up(each, lease))
        if not entries:
            return 0
        there = find(self._settings, entries) if self._settings.publish else {}
        for entry in entries:
            place = there.get(entry.receipt)
            if place is None:
                place = self._publisher.publish(entry.event, entry.player_id)
            marked = [(entry, place)]
            self._database.change(lambda each: outbox.mark_published(each, marked))  # noqa: B023
        log.warning("published %d left-over events, %d of them before", len(entries), len(there))
        return len(entries)


def find(settings: Settings, entries: Sequence[Entry]) -> dict[str, Place]:
    """Look which events are in the topic, by their receipts, and where.

    Raises:
        KafkaError: The topic cannot be read to its end.
    """
    wanted = {entry.receipt for entry in entries}
    since_ms = min(entry.at_ms for entry in entries) - CLOCK_MARGIN_MS
    consumer = KafkaConsumer(
        bootstrap_servers=list(settings.bootstrap_servers),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        allow_auto_create_topics=False,
    )
    try:
        return _found(consumer, settings.topic, wanted, since_ms)
    finally:
        consumer.close(autocommit=False)


def _found(
    consumer: KafkaConsumer, topic: str, wanted: Iterable[str], since_ms: int
) -> dict[str, Place]:
    partitions = [
        TopicPartition(topic, each) for each in consumer.partitions_for_topic(topic) or ()
    ]
    if not partitions:
        raise KafkaError(f"the topic {topic!r} cannot be read")
    ends = consumer.end_offsets(partitions)
    starts = consumer.offsets_for_times(dict.fromkeys(partitions, since_ms))
    behind = {each for each in partitions if starts[each] and starts[each].offset < ends[each]}
    found: dict[str, Place] = {}
    consumer.assign(sorted(behind))
    for each in behind:
        consumer.seek(each, starts[each].offset)
    while behind:
        for each, records in consumer.poll(timeout_ms=_POLL_MS).items():
            for record in records:
                receipt = _receipt(record.value)
                if receipt in wanted:
                    found.setdefault(receipt, Place(each.partition, record.offset))
        behind = {each for each in behind if consumer.position(each) < ends[each]}
    return found


def _receipt(value: bytes | None) -> str:
    try:
        content = json.loads(value or b"null")
    except ValueError:
        return ""
    return str(content.get(RECEIPT, "")) if isinstance(content, dict) else ""
