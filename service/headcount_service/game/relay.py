"""The relay: publishes events whose owner did not publish them, or does not know whether it did.

The relay takes over events that no process can send any more: their owner's process has ended, or
this process owns them and is done with them, for example because it has closed the producer that
had them. Records that were sent before the take-over may still be on their way, so the relay first
waits for `QUIET_S`. Then it looks for the events in the topic, because a worker may have died after
the acknowledgement but before it marked the event. So an event is duplicated only if the broker
appends the first copy more than `QUIET_S` after the take-over; docs/limits.md names this exception.
"""

import json
import logging
import threading
from collections.abc import Callable, Iterable, Sequence

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from sqlalchemy import Connection

from headcount_service.errors import OutcomeUnknown, PublishError
from headcount_service.game.lease import lease_ms
from headcount_service.game.storage import outbox
from headcount_service.game.storage.database import StateDatabase
from headcount_service.game.storage.outbox import RECEIPT, OutboxEntry
from headcount_service.publish.protocols import EventPublisher, RecordPosition
from headcount_service.settings import Settings

log = logging.getLogger(__name__)

INTERVAL_S = 0.5
QUIET_S = 5.0
CLOCK_MARGIN_MS = 30_000
_POLL_MS = 500


class Relay:
    """A thread in each worker that publishes the leftover events of all workers."""

    def __init__(
        self, settings: Settings, database: StateDatabase, publisher: EventPublisher
    ) -> None:
        self._settings = settings
        self._database = database
        self._publisher = publisher
        self._ownership = database.ownership
        self._taken: dict[int, OutboxEntry] = {}  # taken over, and not yet published
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)

    def start(self) -> None:
        """Start the thread; called once in each worker, after the fork."""
        self._thread.start()

    def close(self) -> None:
        """Stop the thread after its present round."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(2 * self._settings.ack_timeout_s)

    def _run(self) -> None:
        while not self._stop.wait(INTERVAL_S):
            try:
                self.relay()
            except (PublishError, KafkaError) as error:
                log.warning("leftover events are not published yet: %s", error)
            except Exception:
                log.exception("unexpected error; the relay will try again")

    def relay(self) -> int:
        """Publish leftover events; return how many are now marked as published.

        Raises:
            PublishError: The broker or the database failed; events remain.
            KafkaError: The topic cannot be read.
        """
        if not self._publisher.is_open():
            # Take them over anew, and wait anew: a broker that comes back may still append what was
            # sent before.
            self._taken.clear()
            return 0
        self._ownership.renew()
        self._take_over()
        entries = self._due()
        if not entries:
            return 0
        places = find(self._settings, entries) if self._settings.publish else {}
        published = sum(self._publish(entry, places.get(entry.receipt)) for entry in entries)
        log.warning(
            "marked %d leftover events as published; found %d in the topic",
            published,
            len(places),
        )
        return published

    def _take_over(self) -> None:
        if not self._database.look(outbox.overdue_owners):
            return
        taken = self._database.change(self._claim)
        self._taken |= {entry.number: entry for entry in taken}

    def _claim(self, connection: Connection) -> list[OutboxEntry]:
        owners = outbox.overdue_owners(connection)
        dead_owners = [owner for owner in owners if self._ownership.is_gone(connection, owner)]
        excluded = self._ownership.in_flight.numbers() | self._taken.keys()
        quiet_ms = round(1000 * QUIET_S)
        number = self._ownership.number
        return outbox.take_over(connection, dead_owners, number, excluded, quiet_ms)

    def _due(self) -> list[OutboxEntry]:
        """Return the events taken over at least `QUIET_S` ago."""
        if not self._taken:
            return []
        numbers, owner = list(self._taken), self._ownership.number
        due = self._database.look(lambda connection: outbox.due(connection, owner, numbers))
        return [entry for number, entry in self._taken.items() if number in due]

    def _publish(self, entry: OutboxEntry, place: RecordPosition | None) -> bool:
        """Mark an event as published; publish it first, unless it is in the topic at `place`.

        Return False, and do neither, if another worker owns it or it is marked already.
        """
        sending = self._ownership.in_flight.begin(entry.number)
        is_over: Callable[[], bool] | None = None
        try:
            del self._taken[entry.number]
            owner, lease = self._ownership.number, lease_ms(self._settings)
            if not self._database.change(
                lambda connection: outbox.renew(connection, entry.number, owner, lease)
            ):
                return False
            if place is None:
                place = self._publisher.publish(entry.event, entry.player_id)
            marked = [(entry, place)]
            self._database.change(lambda connection: outbox.mark_published(connection, marked))
        except OutcomeUnknown as error:
            is_over = error.is_over
            raise
        finally:
            sending.end(is_over)
        return True


def find(settings: Settings, entries: Sequence[OutboxEntry]) -> dict[str, RecordPosition]:
    """Look for events in the topic; return the places of those that are there, by receipt.

    Raises:
        KafkaError: The topic cannot be read to its end.
    """
    wanted = {entry.receipt for entry in entries}
    since_ms = min(entry.at_ms for entry in entries) - CLOCK_MARGIN_MS
    consumer = KafkaConsumer(
        **settings.connection_options,
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
    numbers = consumer.partitions_for_topic(topic) or ()
    partitions = [TopicPartition(topic, number) for number in numbers]
    if not partitions:
        raise KafkaError(f"the topic {topic!r} cannot be read")
    ends = consumer.end_offsets(partitions)
    starts = consumer.offsets_for_times(dict.fromkeys(partitions, since_ms))
    behind = {
        partition
        for partition in partitions
        if starts[partition] and starts[partition].offset < ends[partition]
    }
    positions: dict[str, RecordPosition] = {}
    consumer.assign(sorted(behind))
    for partition in behind:
        consumer.seek(partition, starts[partition].offset)
    while behind:
        for partition, records in consumer.poll(timeout_ms=_POLL_MS).items():
            for record in records:
                receipt = _receipt(record.value)
                if receipt in wanted:
                    position = RecordPosition(partition.partition, record.offset)
                    positions.setdefault(receipt, position)
        behind = {
            partition for partition in behind if consumer.position(partition) < ends[partition]
        }
    return positions


def _receipt(value: bytes | None) -> str:
    try:
        content = json.loads(value or b"null")
    except ValueError:
        return ""
    return str(content.get(RECEIPT, "")) if isinstance(content, dict) else ""
