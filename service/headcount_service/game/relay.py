"""The relay: publishes the events whose makers did not get to it, or do not know whether they did.

It takes over those that nobody can send any more: their owner's process has ended, or it is this
one, and the producer that had them is closed. What was sent by then the broker still has to take
in, for which it gets `QUIET_S`. Then the relay looks in the topic whether they are there: a worker
may have died between the acknowledgement and its note of it. So an event is published again only if
the broker takes in the first one later than that, which one that answers does not.
"""

import json
import logging
import threading
from collections.abc import Callable, Iterable, Sequence

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from sqlalchemy import Connection

from headcount_service.errors import OutcomeUnknown, PublishError
from headcount_service.game import outbox
from headcount_service.game.commands import lease_ms
from headcount_service.game.database import StateDatabase
from headcount_service.game.outbox import RECEIPT, OutboxEntry
from headcount_service.publish.protocols import EventPublisher, RecordPosition
from headcount_service.settings import Settings

log = logging.getLogger(__name__)

INTERVAL_S = 0.5
QUIET_S = 5.0
CLOCK_MARGIN_MS = 30_000
_POLL_MS = 500


class Relay:
    """A thread of a worker that looks after what is left over, in all workers' names."""

    def __init__(
        self, settings: Settings, database: StateDatabase, publisher: EventPublisher
    ) -> None:
        self._settings = settings
        self._database = database
        self._publisher = publisher
        self._ownership = database.ownership
        self._taken: dict[int, OutboxEntry] = {}  # over, and not yet published
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
            self._taken.clear()  # a broker that comes back has yet to take in what it was sent
            return 0
        self._ownership.renew()
        self._take_over()
        entries = self._due()
        if not entries:
            return 0
        there = find(self._settings, entries) if self._settings.publish else {}
        done = sum(self._publish(entry, there.get(entry.receipt)) for entry in entries)
        log.warning("published %d left-over events, %d of them before", done, len(there))
        return done

    def _take_over(self) -> None:
        if not self._database.look(outbox.overdue_owners):
            return
        taken = self._database.change(self._taken_over)
        self._taken |= {entry.number: entry for entry in taken}

    def _taken_over(self, connection: Connection) -> list[OutboxEntry]:
        owners = outbox.overdue_owners(connection)
        gone = [each for each in owners if self._ownership.is_gone(connection, each)]
        but = self._ownership.in_flight.numbers() | self._taken.keys()
        quiet_ms = round(1000 * QUIET_S)
        return outbox.take_over(connection, gone, self._ownership.number, but, quiet_ms)

    def _due(self) -> list[OutboxEntry]:
        """Those of the events taken over that the broker has had its time for."""
        if not self._taken:
            return []
        numbers, owner = list(self._taken), self._ownership.number
        due = self._database.look(lambda each: outbox.due(each, owner, numbers))
        return [entry for number, entry in self._taken.items() if number in due]

    def _publish(self, entry: OutboxEntry, place: RecordPosition | None) -> bool:
        """Publish an event unless it has a place, and note that; False if it is another's now."""
        sending = self._ownership.in_flight.begin(entry.number)
        is_over: Callable[[], bool] | None = None
        try:
            del self._taken[entry.number]
            owner, lease = self._ownership.number, lease_ms(self._settings)
            if not self._database.change(
                lambda each: outbox.renew(each, entry.number, owner, lease)
            ):
                return False
            if place is None:
                place = self._publisher.publish(entry.event, entry.player_id)
            marked = [(entry, place)]
            self._database.change(lambda each: outbox.mark_published(each, marked))
        except OutcomeUnknown as error:
            is_over = error.is_over
            raise
        finally:
            sending.end(is_over)
        return True


def find(settings: Settings, entries: Sequence[OutboxEntry]) -> dict[str, RecordPosition]:
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
        return _positions(consumer, settings.topic, wanted, since_ms)
    finally:
        consumer.close(autocommit=False)


def _positions(
    consumer: KafkaConsumer, topic: str, wanted: Iterable[str], since_ms: int
) -> dict[str, RecordPosition]:
    partitions = [
        TopicPartition(topic, each) for each in consumer.partitions_for_topic(topic) or ()
    ]
    if not partitions:
        raise KafkaError(f"the topic {topic!r} cannot be read")
    ends = consumer.end_offsets(partitions)
    starts = consumer.offsets_for_times(dict.fromkeys(partitions, since_ms))
    behind = {each for each in partitions if starts[each] and starts[each].offset < ends[each]}
    positions: dict[str, RecordPosition] = {}
    consumer.assign(sorted(behind))
    for each in behind:
        consumer.seek(each, starts[each].offset)
    while behind:
        for each, records in consumer.poll(timeout_ms=_POLL_MS).items():
            for record in records:
                receipt = _receipt(record.value)
                if receipt in wanted:
                    positions.setdefault(receipt, RecordPosition(each.partition, record.offset))
        behind = {each for each in behind if consumer.position(each) < ends[each]}
    return positions


def _receipt(value: bytes | None) -> str:
    try:
        content = json.loads(value or b"null")
    except ValueError:
        return ""
    return str(content.get(RECEIPT, "")) if isinstance(content, dict) else ""
