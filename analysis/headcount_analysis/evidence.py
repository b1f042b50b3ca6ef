"""Evidence: the facts about a run, as plain values, for the judge and the report.

`pipeline/gather.py` gathers it; nothing here reads a file, a topic or a clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from headcount.run.locust_exit import LocustExit
from headcount.run.manifest import End, Manifest
from headcount_analysis.compare_run.classes import Counts, total
from headcount_analysis.measure.clocks import ClockOffset
from headcount_analysis.measure.generator_health import FleetHealth
from headcount_analysis.messages.differences import Differences
from headcount_analysis.messages.placement import Placement
from headcount_analysis.messages.timestamps import Unit
from headcount_analysis.state.differences import StateCheck

SAMPLES = 5
"""How many offsets of malformed, and of foreign, messages are listed per partition."""

CREATE_TIME, LOG_APPEND_TIME = 0, 1
"""Kafka's timestamp types: set by the producer, or by the broker when it appends a message."""


@dataclass(frozen=True, slots=True)
class Checkable:
    """The number of attempts seen in the topic, and of those that each flag can be decided for.

    `timed` attempts have a usable timestamp; `placed` ones have an answer that names their
    partition and offset.
    """

    seen: int = 0
    timed: int = 0
    placed: int = 0

    def __add__(self, other: "Checkable") -> "Checkable":
        """Add two counts."""
        return Checkable(
            self.seen + other.seen, self.timed + other.timed, self.placed + other.placed
        )


@dataclass(frozen=True, slots=True)
class Order:
    """How many `events` have an order, because another event of their key precedes or follows.

    `keyed` events have a message key; of these, `spread` have a key that is in several partitions.
    """

    events: int = 0
    keyed: int = 0
    spread: int = 0

    def __add__(self, other: "Order") -> "Order":
        """Add two counts."""
        return Order(
            self.events + other.events, self.keyed + other.keyed, self.spread + other.spread
        )

    def others(self, seen: int) -> str:
        """Explain why the other events that were seen have no order."""
        alone = self.keyed - self.spread - self.events
        return (
            f"{seen - self.keyed} have no key, {self.spread} have a key in several partitions, "
            f"and {alone} have no earlier or later request with their key"
        )


@dataclass(frozen=True, slots=True)
class GeneratorState:
    """The state of one generator's ledger: sequence numbers 0 to `asked` - 1 may have been used.

    `attempted` is the number in its seal, None if it never sealed.
    """

    generator: int
    sealed: bool
    asked: int
    rows: int
    without_row: int
    attempted: int | None = None


@dataclass(frozen=True, slots=True)
class LedgerState:
    """The condition of the ledger; each `damage` names a fault and its remedy.

    `changing_types` are the types of events that should change an owner's state.
    """

    generators: tuple[GeneratorState, ...] = ()
    shapes: tuple[str, ...] = ()
    event_types: tuple[str, ...] = ()
    damage: tuple[str, ...] = ()
    has_repeated_rows: bool = False
    changing_types: tuple[str, ...] = ()

    @property
    def torn(self) -> tuple[GeneratorState, ...]:
        """The generators that never sealed."""
        return tuple(state for state in self.generators if not state.sealed)

    @property
    def asked(self) -> int:
        """The number of attempts, including those without a row."""
        return sum(state.asked for state in self.generators)


@dataclass(frozen=True, slots=True)
class Defect:
    """A defect in messages of a partition, their number, and the offset of the first one."""

    name: str
    count: int
    first_offset: int


@dataclass(frozen=True, slots=True)
class PartitionRead:
    """What was read from one partition; offsets `start` to `end` - 1 were requested.

    `first` and `last` are the offsets of the first and last message read, None if there was none.
    The samples are the lowest offsets. `tail_is_empty` is set if a consumer reached the end without
    a message after `last`.
    """

    partition: int
    start: int
    end: int
    read: int = 0
    first: int | None = None
    last: int | None = None
    malformed: int = 0
    foreign: int = 0
    malformed_samples: tuple[int, ...] = ()
    foreign_samples: tuple[int, ...] = ()
    defects: tuple[Defect, ...] = ()
    tail_is_empty: bool = False

    @property
    def gaps(self) -> int:
        """The number of offsets in the range without a message."""
        return (self.end - self.start) - self.read

    @property
    def reached_end(self) -> bool:
        """Whether the last offset of the range was read."""
        reached = self.start if self.last is None else self.last + 1
        return reached >= self.end or self.tail_is_empty


@dataclass(frozen=True, slots=True)
class TopicSeen:
    """What the cluster reports about itself and the topic when the run is judged."""

    cluster_id: str | None = None
    topic_id: str | None = None
    cleanup_policy: str | None = None
    log_start_offsets: Mapping[int, int] = field(default_factory=dict)
    leader_epochs: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that the verdict rests on.

    `by_event_type` adds up to the whole run; `by_generator` and `by_answer` (an HTTP status or an
    error) add up to its attempts. `problems` are the reasons why a check could not be made. `rows`
    counts the compared ledger rows by generator, `checkable` the events whose flags can be decided
    by event type; `order` is None if no limit or threshold needs it. `unusable` counts timestamps
    that are not a time, `unanswered` attempts without an answer. `longest_delay_s` is the longest
    publish delay (see `measure/publish_delay.py`), measured only if events are lost.
    """

    by_event_type: Mapping[str, Counts]
    ledger: LedgerState
    partitions: tuple[PartitionRead, ...]
    manifest: Manifest
    end: End
    seen: TopicSeen = field(default_factory=TopicSeen)
    timestamp_types: frozenset[int] = frozenset()
    clocks: tuple[ClockOffset, ...] = ()
    state: StateCheck = field(default_factory=StateCheck)
    by_generator: Mapping[int, Counts] = field(default_factory=dict)
    by_answer: Mapping[str, Counts] = field(default_factory=dict)
    generators: FleetHealth = field(default_factory=FleetHealth)
    problems: tuple[str, ...] = ()
    longest_delay_s: float | None = None
    locust_exit: LocustExit | None = None
    rows: Mapping[int, int] = field(default_factory=dict)
    checkable: Mapping[str, Checkable] = field(default_factory=dict)
    order: Order | None = None
    unusable: Mapping[Unit, int] = field(default_factory=dict)
    unanswered: int = 0
    placement: Placement = field(default_factory=Placement)
    differences: Differences = field(default_factory=Differences)

    @property
    def checked(self) -> Checkable:
        """The checkable events of the whole run."""
        return sum(self.checkable.values(), start=Checkable())

    @property
    def counts(self) -> Counts:
        """The whole run's counts."""
        return total(self.by_event_type.values())
