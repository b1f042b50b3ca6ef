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
from headcount.run.id_form import RunIds
from headcount.run.request_outcome import Outcome
from headcount_analysis.messages.record import Headers
from headcount_analysis.selftest import identities
from headcount_analysis.selftest.alterations import FieldKinds
from headcount_analysis.selftest.events import EventTemplate, samples
from headcount_analysis.selftest.expected_labels import ExpectedLabels
from headcount_analysis.selftest.faults import EXTRA_MESSAGE_FAULTS, OUTCOMES, SWAPS, Fault
from headcount_analysis.selftest.message_writer import MessageContent, MessageStyle, MessageWriter
from headcount_analysis.selftest.plan import BLOCK, GENERATORS, PARTITIONS, AttemptId, Plan

_SOME_KEY = b"a player"
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
    headers: Headers = ()


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
    style: MessageStyle = field(default_factory=MessageStyle)
    expected: dict[AttemptId, str] = field(default_factory=dict)
    unowned: dict[str, str] = field(default_factory=dict)
    altered_fields: dict[AttemptId, FieldKinds] = field(default_factory=dict)
    _samples: list[EventTemplate] = field(default_factory=samples)
    _acked: tuple[int, int] | None = None
    _held: dict[int, Message] = field(default_factory=dict)
    _last: list[Message] = field(default_factory=list)
    _now_ns: int = 0
    _written: int = 0
    _writer: MessageWriter = field(init=False)
    _labels: ExpectedLabels = field(init=False)

    def __post_init__(self) -> None:
        """Make the writer. UsageError or PartError if the format cannot be written."""
        self._writer = MessageWriter(self.style, RunIds(self.plan.tag, self.style.ids.form))
        self._labels = ExpectedLabels(self._writer)

    def block(self, generator: int, first: int, last: int) -> Iterator[Row]:
        """Publish a block of one generator's attempts, and yield their ledger rows."""
        for seq in range(first, last):
            attempt = (generator, seq)
            fault = self.plan.faults.get(attempt)
            sample = self._sample(attempt)
            own = self._message(attempt, self._own(attempt))
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
        if fault in EXTRA_MESSAGE_FAULTS:
            self._publish_with_unowned(attempt, fault, intact)
            return
        self.expected[attempt] = self._labels.label(fault)
        altered = intact
        if fault in _ALTERED or fault == Fault.DUPLICATED_ALTERED:
            altered = self._altered(attempt)
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
        fields, form = self._sample(attempt).fields, attempt[1] // PARTITIONS
        name = f"{own.partition}:{self.offsets[own.partition]}"
        key = self._sample(attempt).key or _SOME_KEY
        # The producer refuses a message that has neither a value nor a key.
        has_own_key = own.key is not None and self._writer.encoder.tombstone_has_own_key
        content = MessageContent(own.key if has_own_key else key, None)
        if fault == Fault.INVENTED:
            invented = self._invented(attempt)
            name = invented[form % len(invented)]
            content = self._writer.other(fields, name, key, self._number())
        elif fault == Fault.FOREIGN:
            others = identities.foreign(self._writer.ids, self.plan.run_id, *attempt)
            content = self._writer.other(fields, others[form % len(others)], key, self._number())
        elif fault == Fault.UNPARSEABLE:
            whole = self._writer.other(fields, None, key, self._number())
            content = self._writer.broken(whole, form)
        elif fault == Fault.GARBLED:
            content = self._garbled(attempt, MessageContent(*own[1:]), form)
        self.unowned[name] = self._labels.label(fault)
        self._publish(Message(own.partition, *content))

    def _garbled(self, attempt: AttemptId, own: MessageContent, form: int) -> MessageContent:
        """Make an attempt's message unreadable, or give it a second id if it has room for one."""
        chosen = form % (len(self._writer.encoder.breaks) + 1)
        if chosen == 0:
            twice = self._writer.twice(own, self._id(attempt), self._writer.ids.text(0, 0))
            if twice is not None:
                return twice
        return self._writer.broken(own, chosen)

    def _invented(self, attempt: AttemptId) -> tuple[str, ...]:
        beyond = self.plan.attempted(attempt[0]) + attempt[1]
        ids, location = self._writer.ids, self._writer.location
        return identities.invented(ids, location, *attempt, beyond)

    def _number(self) -> int:
        """Return a number that no message has yet."""
        self._written += 1
        return self._written

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

    def _id(self, attempt: AttemptId) -> str:
        return identities.own(self._writer.ids, self._writer.location, *attempt)

    def _own(self, attempt: AttemptId) -> MessageContent:
        sample = self._sample(attempt)
        return self._writer.own(sample.fields, self._id(attempt), sample.key, self._number())

    def _message(self, attempt: AttemptId, content: MessageContent) -> Message:
        return Message(self.plan.partition(attempt), *content)

    def _altered(self, attempt: AttemptId) -> Message:
        """Write an attempt's event with an alteration, and record the fields that differ."""
        sample, alterations = self._sample(attempt), self._writer.encoder.alterations
        alteration = alterations[attempt[1] // PARTITIONS % len(alterations)]
        if self._writer.encoder.compares_content:
            self.altered_fields[attempt] = alteration.differing(sample.fields)
        written = self._writer.altered(
            alteration, sample.fields, self._id(attempt), sample.key, self._number()
        )
        return self._message(attempt, written)

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
