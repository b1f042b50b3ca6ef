"""The generated run: a ledger and a topic as generators and a service leave them, harmed by plan.

Each message goes to a partition that is told, by one producer that keeps their order, so that the
place of each is known beforehand.
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
    foreign,
    invented,
    samples,
    write,
)
from headcount_analysis.selftest.faults import EXPECTED, OUTCOMES, STRANGERS, SWAPS, Fault
from headcount_analysis.selftest.plan import BLOCK, GENERATORS, PARTITIONS, Place, Plan

_SEGMENT_ROWS = 12 * BLOCK
_DELAY_NS = 3_600 * 1_000_000_000
_STATUS = {Outcome.ACKED: 200, Outcome.FAILED: 400}
_UNPUBLISHED = frozenset({Fault.DROPPED, Fault.UNANSWERED_DROPPED, Fault.REFUSED})
_DUPLICATED = frozenset({Fault.DUPLICATED, Fault.DUPLICATED_UNANSWERED, Fault.DUPLICATED_DENIED})
_ALTERED = frozenset({Fault.ALTERED, Fault.SWAPPED_ALTERED})


class Message(NamedTuple):
    """One message, to be published to a partition."""

    partition: int
    key: bytes | None
    value: bytes | None


Publish = Callable[[Message], None]


@dataclass(slots=True)
class Generation:
    """A run in the making: what has been published, and what must be said of it.

    `offsets` are those that the next messages will have, by partition. `expected` are the labels of
    the harmed attempts by place, `strangers` those of messages by their id, or `partition:offset`.
    """

    plan: Plan
    publish: Publish
    offsets: dict[int, int]
    expected: dict[Place, str] = field(default_factory=dict)
    strangers: dict[str, str] = field(default_factory=dict)
    _samples: list[EventTemplate] = field(default_factory=samples)
    _acked: tuple[int, int] | None = None
    _held: dict[int, Message] = field(default_factory=dict)
    _last: list[Message] = field(default_factory=list)
    _now_ns: int = 0

    def block(self, generator: int, first: int, last: int) -> Iterator[Row]:
        """Publish a block of one generator's attempts, and give their rows."""
        for seq in range(first, last):
            place = (generator, seq)
            fault = self.plan.faults.get(place)
            sample = self._sample(place)
            own = Message(self.plan.partition(place), sample.key, self._value(place))
            if fault is None:
                self._publish_own(own)
            else:
                self._harm(place, fault, own)
            if self.plan.faults.get((generator, seq - 1)) in SWAPS:
                self._publish(self._held.pop(generator))
            yield self._row(place, fault, sample)

    def finish(self) -> None:
        """Publish the copies that come last."""
        for message in self._last:
            self._publish(message)

    def _publish_own(self, message: Message) -> None:
        self._acked = (message.partition, self.offsets[message.partition])
        self._publish(message)

    def _publish(self, message: Message) -> None:
        self.publish(message)
        self.offsets[message.partition] += 1

    def _harm(self, place: Place, fault: Fault, sound: Message) -> None:
        """Publish what the fault makes of an attempt's event, and note what must be found."""
        if fault in STRANGERS:
            self._bring_stranger(place, fault, sound)
            return
        self.expected[place] = EXPECTED[fault]
        altered = sound._replace(value=self._altered(place))
        self._acked = (sound.partition, self.offsets[sound.partition])
        if fault in SWAPS:
            # Published behind the next of its generator, which may be blocks away: no place yet.
            self._held[place[0]] = altered if fault in _ALTERED else sound
            self._acked = None
        elif fault in _DUPLICATED:
            self._publish_copies(sound, place[1])
        elif fault == Fault.DUPLICATED_ALTERED:
            self._publish_own(sound)
            self._publish(altered)
        elif fault == Fault.MISPLACED:
            self._publish(sound)
            self._acked = (sound.partition, self.offsets[sound.partition])
        elif fault not in _UNPUBLISHED:
            self._publish_own(altered if fault in _ALTERED else sound)

    def _publish_copies(self, message: Message, form: int) -> None:
        """Publish more than once: side by side, three times, in two partitions, or far apart."""
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

    def _bring_stranger(self, place: Place, fault: Fault, own: Message) -> None:
        """Put a message of nobody's before or after an attempt's own."""
        generator, seq = place
        comes_first = seq < self.plan.attempted(generator) // 2
        if not comes_first:
            self._publish_own(own)
        self._publish_stranger(own, place, fault)
        if comes_first:
            self._publish_own(own)

    def _publish_stranger(self, own: Message, place: Place, fault: Fault) -> None:
        (generator, seq), form = place, place[1] // PARTITIONS
        wish = self._sample(place).wish
        name = f"{own.partition}:{self.offsets[own.partition]}"
        assert own.value is not None
        value: bytes | None = None
        if fault == Fault.INVENTED:
            ids = invented(self.plan.tag, generator, seq, self.plan.attempted(generator) + seq)
            name = ids[form % len(ids)]
            value = write(wish, name)
        elif fault == Fault.FOREIGN:
            others = foreign(self.plan, generator, seq)
            value = write(wish, others[form % len(others)])
        elif fault in {Fault.UNPARSEABLE, Fault.GARBLED}:
            whole = own.value if fault == Fault.GARBLED else write(wish)
            value = UNPARSEABLE[form % len(UNPARSEABLE)](whole)
        self.strangers[name] = EXPECTED[fault]
        # A message without a value has a key, or the producer refuses it.
        self._publish(own._replace(value=value, key=own.key or b"a player"))

    def _sample(self, place: Place) -> EventTemplate:
        """Choose an attempt's event; the two that are swapped ask for the same, with a key."""
        generator, seq = place
        if self.plan.faults.get((generator, seq - 1)) in SWAPS:
            return self._sample((generator, seq - 1))
        index = seq * GENERATORS + generator
        if self.plan.faults.get(place) in SWAPS:
            while self._samples[index % len(self._samples)].key is None:
                index += 1
        return self._samples[index % len(self._samples)]

    def _value(self, place: Place) -> bytes:
        return self._sample(place).value(str(EventId(self.plan.tag, *place)))

    def _altered(self, place: Place) -> bytes:
        event_id, form = str(EventId(self.plan.tag, *place)), place[1] // PARTITIONS
        return altered(self._sample(place).wish, event_id, form)

    def _row(self, place: Place, fault: Fault | None, sample: EventTemplate) -> Row:
        # Each attempt begins after the one before was answered, whatever the clock does.
        self._now_ns = now_ns = max(time.time_ns(), self._now_ns + 2)
        outcome = Outcome.ACKED if fault is None else OUTCOMES.get(fault, Outcome.ACKED)
        answered = outcome is not Outcome.INDETERMINATE
        partition, offset = (outcome is Outcome.ACKED and self._acked) or (None, None)
        return Row(
            seq=place[1],
            event_type=sample.event_type,
            scenario_user="Player",
            shape=sample.shape,
            digest=sample.digest,
            intended_at_ns=now_ns - (_DELAY_NS if fault == Fault.DELAYED else 0),
            sent_at_ns=now_ns,
            answered_at_ns=now_ns + 1 if answered else None,
            http_status=_STATUS.get(outcome),
            outcome=outcome.value,
            error=None if answered else "timed out",
            acked_partition=partition,
            acked_offset=offset,
            server="1",
        )


def write_run(generation: Generation, location: str, settle: Callable[[], None]) -> None:
    """Publish and write a run block by block, the generators in turn.

    `settle` waits until what was published is in the topic. Raises OSError where the ledger cannot
    be written.
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
