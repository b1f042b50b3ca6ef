"""Evidence: the facts about a run, as plain values, for the judge and the report.

`pipeline/evidence.py` gathers it; nothing here reads a file, a topic or a clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from headcount.run.locust_exit import LocustExit
from headcount.run.manifest import End, Manifest
from headcount_analysis.classes_and_flags import Counts, total
from headcount_analysis.corrupted.summary import Differences
from headcount_analysis.ledger.ledger_state import LedgerState
from headcount_analysis.measure.clocks import ClockOffset
from headcount_analysis.measure.generator_health import FleetHealth
from headcount_analysis.messages.ids_elsewhere import Placement
from headcount_analysis.messages.timestamps import Unit
from headcount_analysis.read.partition_summary import PartitionRead
from headcount_analysis.read.topic_seen import TopicSeen
from headcount_analysis.reconciliation.attempt_counts import Checkable
from headcount_analysis.reconciliation.order_counts import Order
from headcount_analysis.state.differences import StateCheck


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that the verdict rests on.

    `by_event_type` adds up to the whole run; `by_generator` and `by_answer` (an HTTP status or an
    error) add up to its attempts. `problems` are the reasons why a check could not be made. `rows`
    counts the compared ledger rows by generator; `rowless` has the counts of the attempts without a
    row. `checkable` counts by event type the events whose flags can be decided. `order` counts the
    events that have an order; it is None if no limit or threshold needs this. `unusable` counts the
    timestamps that are not a time, and `unanswered` is the number of attempts without a response.
    `longest_delay_s` is the longest publish delay (see `measure/publish_delay.py`), measured only
    if events are lost. `compares_content` is false for a format without fields. `endpoints` are the
    requests of each event type, such as `POST /swords`.
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
    rowless: Counts = field(default_factory=Counts)
    checkable: Mapping[str, Checkable] = field(default_factory=dict)
    order: Order | None = None
    unusable: Mapping[Unit, int] = field(default_factory=dict)
    unanswered: int = 0
    placement: Placement = field(default_factory=Placement)
    differences: Differences = field(default_factory=Differences)
    compares_content: bool = True
    endpoints: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def checked(self) -> Checkable:
        """The checkable events of the whole run."""
        return sum(self.checkable.values(), start=Checkable())

    @property
    def counts(self) -> Counts:
        """The whole run's counts."""
        return total(self.by_event_type.values())
