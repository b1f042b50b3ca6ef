"""The generated run: a ledger and a topic as generators and a service leave them, with faults.

A single producer publishes all messages in order, each to a given partition, so every offset is
known in advance.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from headcount.ledger.location import open_location
from headcount.ledger.schema import Row
from headcount.ledger.writer import LedgerWriter
from headcount.run.ids import EventId
from headcount.run.outcome import Outcome
from headcount_analysis.selftest.events import (
    UNPARSEABLE,
    EventTemplate,
    altered,
    altered_fields,
    foreign,
    invented,
    samples,
    write,
)
from headcount_analysis.selftest.faults import EXPECTED, OUTCOMES, SWAPS, UNOWNED, Fault
from headcount_analysis.selftest.plan import BLOCK, GENERATORS, PARTITIONS, AttemptId, Plan

_SEGMENT_ROWS = 12 * BLOCK
_DELAY_NS = 3_600 * 1_000_000_000
_STATUS = {Outcome.ACKED: 200, Outcome.FAILED: 400}
_UNPUBLISHED = frozenset({Fault.DROPPED, Fault.UNANSWERED_DROPPED, Fault.REFUSED})
_DUPLICATED = frozenset({Fault.DUPLICATED, Fault.DUPLICATED_UNANSWERED, Fault.DUPLICATED_DENIED})
_ALTERED = frozenset({Fault.ALTERED, Fault.SWAPPED_ALTERED})


class Message(NamedTuple):
    """A message to publish to a partition."""

    partition: int
    key: bytes | None
    value: bytes | None


Publish = Callable[[Message], None]


@dataclass(slots=True)
class Generation:
    """A run that is being generated: what was published, and how it must be reported.

    `offsets` are the next offsets, by partition. `expected` has the labels of attempts with a
    fault; `unowned` has those of messages without an attempt, by id or `partition:offset`.
    `altered_fields` are the names and kinds of the altered fields, by attempt.
    """

    plan: Plan
    publish: Publish
    offsets: dict[int, int]
    expected: dict[AttemptId, str] = field(default_factory=dict)
    unowned: dict[str, str] = field(default_factory=dict)
    altered_fields: dict[AttemptId, frozenset[tuple[str, str]]] = field(default_factory=dict)
    _samples: list[EventTemplate] = field(default_factory=samples)
    _acked: tuple[int, int] | None = None
    _held: dict[int, Message] = field(default_factory=dict)
    _last: list[Message] = field(default_factory=list)
    _now_ns: int = 0

    def block(self, generator: int, first: int, last: int) -> Iterator[Row]:
        """Publish a block of one generator's attempts, and yield their ledger rows."""
        for seq in range(first, last):
            attempt = (generator, seq)
            fault = self.plan.faults.get(attempt)
            sample = self._sample(attempt)
            own = Message(self.plan.partition(attempt), sample.key, self._value(attempt))
            if fault is None:
                self._publish_own(own)
            else:
                self._publish_faulty(attempt, fault, own)
            if self.plan.faults.get((generator, seq - 1)) in SWAPS:
                self._publish(self._held.pop(generator))
            yield self._row(attempt, fault, sample)

    def finish(self) -> None:
        """Publish the copies that were held back until the end."""
        for message in self._last:
            self._publish(message)

    def _publish_own(self, message: Message) -> None:
        self._acked = (message.partition, self.offsets[message.partition])
        self._publish(message)

    def _publish(self, message: Message) -> None:
        self.publish(message)
        self.offsets[message.partition] += 1

    def _publish_faulty(self, attempt: AttemptId, fault: Fault, intact: Message) -> None:
        """Publish an attempt's event with the fault, and record the expected label."""
        if fault in UNOWNED:
            self._publish_with_unowned(attempt, fault, intact)
            return
        self.expected[attempt] = EXPECTED[fault]
        altered = intact._replace(value=self._altered(attempt))
        if fault in _ALTERED or fault == Fault.DUPLICATED_ALTERED:
            fields = altered_fields(self._sample(attempt).fields, attempt[1] // PARTITIONS)
            self.altered_fields[attempt] = fields
        self._acked = (intact.partition, self.offsets[intact.partition])
        if fault in SWAPS:
            # Published after its generator's next event, perhaps blocks later: no offset yet.
            self._held[attempt[0]] = altered if fault in _ALTERED else intact
            self._acked = None
        elif fault in _DUPLICATED:
            self._publish_copies(intact, attempt[1])
        elif fault == Fault.DUPLICATED_ALTERED:
            self._publish_own(intact)
            self._publish(altered)
        elif fault == Fault.MISPLACED:
            self._publish(intact)
            self._acked = (intact.partition, self.offsets[intact.partition])
        elif fault not in _UNPUBLISHED:
            self._publish_own(altered if fault in _ALTERED else intact)

    def _publish_copies(self, message: Message, form: int) -> None:
        """Publish copies: two in a row, three in a row, in two partitions, or far apart."""
        elsewhere = message._replace(partition=(message.partition + 1) % PARTITIONS)
        self._publish_own(message)
        match form // PARTITIONS % 4:
            case 0:
                self._publish(message)
            case 1:
                self._publish(message)
                self._publish(message)
            case 2:
                self._publish(elsewhere)
            case _:
                self._last.append(message)

    def _publish_with_unowned(self, attempt: AttemptId, fault: Fault, own: Message) -> None:
        """Publish a message without an attempt before or after an attempt's own message."""
        generator, seq = attempt
        comes_first = seq < self.plan.attempted(generator) // 2
        if not comes_first:
            self._publish_own(own)
        self._publish_unowned(own, attempt, fault)
        if comes_first:
            self._publish_own(own)

    def _publish_unowned(self, own: Message, attempt: AttemptId, fault: Fault) -> None:
        (generator, seq), form = attempt, attempt[1] // PARTITIONS
        fields = self._sample(attempt).fields
        name = f"{own.partition}:{self.offsets[own.partition]}"
        assert own.value is not None
        value: bytes | None = None
        if fault == Fault.INVENTED:
            ids = invented(self.plan.tag, generator, seq, self.plan.attempted(generator) + seq)
            name = ids[form % len(ids)]
            value = write(fields, name)
        elif fault == Fault.FOREIGN:
            others = foreign(self.plan, generator, seq)
            value = write(fields, others[form % len(others)])
        elif fault in {Fault.UNPARSEABLE, Fault.GARBLED}:
            whole = own.value if fault == Fault.GARBLED else write(fields)
            value = UNPARSEABLE[form % len(UNPARSEABLE)](whole)
        self.unowned[name] = EXPECTED[fault]
        # The producer refuses a message that has neither a value nor a key.
        self._publish(own._replace(value=value, key=own.key or b"a player"))

    def _sample(self, attempt: AttemptId) -> EventTemplate:
        """Choose an attempt's event; both attempts of a swap get the same event, with a key."""
        generator, seq = attempt
        if self.plan.faults.get((generator, seq - 1)) in SWAPS:
            return self._sample((generator, seq - 1))
        index = seq * GENERATORS + generator
        if self.plan.faults.get(attempt) in SWAPS:
            while self._samples[index % len(self._samples)].key is None:
                index += 1
        return self._samples[index % len(self._samples)]

    def _value(self, attempt: AttemptId) -> bytes:
        return self._sample(attempt).value(str(EventId(self.plan.tag, *attempt)))

    def _altered(self, attempt: AttemptId) -> bytes:
        event_id, form = str(EventId(self.plan.tag, *attempt)), attempt[1] // PARTITIONS
        return altered(self._sample(attempt).fields, event_id, form)

    def _row(self, attempt: AttemptId, fault: Fault | None, sample: EventTemplate) -> Row:
        # Each attempt starts after the previous one was answered, even if the clock steps back.
        self._now_ns = now_ns = max(time.time_ns(), self._now_ns + 2)
        outcome = Outcome.ACKED if fault is None else OUTCOMES.get(fault, Outcome.ACKED)
        answered = outcome is not Outcome.INDETERMINATE
        partition, offset = (outcome is Outcome.ACKED and self._acked) or (None, None)
        return Row(
            seq=attempt[1],
            event_type=sample.event_type,
            scenario_user="Player",
            shape=sample.description.shape,
            digest=sample.description.digest,
            intended_at_ns=now_ns - (_DELAY_NS if fault == Fault.DELAYED else 0),
            sent_at_ns=now_ns,
            answered_at_ns=now_ns + 1 if answered else None,
            http_status=_STATUS.get(outcome),
            outcome=outcome.value,
            error=None if answered else "timed out",
            acked_partition=partition,
            acked_offset=offset,
            server="1",
            asked=sample.description.asked,
        )


def write_run(generation: Generation, location: str, settle: Callable[[], None]) -> None:
    """Publish and write a run block by block, with the generators in turn.

    `settle` waits until all published messages are in the topic. Raises OSError if the ledger
    cannot be written.
    """
    filesystem, path = open_location(location)
    plan = generation.plan
    writers = [LedgerWriter(filesystem, path, plan.tag, number) for number in range(GENERATORS)]
    for writer in writers:
        writer.open()
    for first in range(0, plan.attempted(0), _SEGMENT_ROWS):
        for writer in writers:
            last = min(first + _SEGMENT_ROWS, plan.attempted(writer.generator))
            if first < last:
                writer.reserve(last - first)
                writer.write_segment(list(generation.block(writer.generator, first, last)))
        settle()
    generation.finish()
    settle()
    for writer in writers:
        writer.seal(plan.attempted(writer.generator))
