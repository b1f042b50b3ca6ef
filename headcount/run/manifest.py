"""A run's documents: its manifest, and what is noted of it while it goes on and when it ends."""

from collections.abc import Iterable
from dataclasses import field
from typing import Any

from pydantic.dataclasses import dataclass as validated

from headcount.run.ids import HEADER

FORMAT = 1

LEDGER = "ledger"

SETTLE_S = 10.0
"""So long an acknowledged event may take to arrive in the topic, unless told otherwise."""

WATCH_FOR_S = 0.5
"""So long the topic is watched after the last answer at least, unless told otherwise."""

JUDGED_BY_PARENT = "HEADCOUNT_JUDGED_BY_PARENT"
"""In a generator's environment: who has started it will judge the run."""


@validated(frozen=True, slots=True)
class Manifest:
    """What a run was, and where its events begin; offsets are by partition.

    `broker_data` and `database` are paths from the run's folder to what its own broker and service
    left, None where it had none. `promise` says what an acknowledgement of the service stands for,
    as `acks=all, idempotent`; empty where nobody said so. `thresholds` are what the run was to keep
    to when it began, and `outcome_rules` what answers stood for whose status did not say it.
    `settle_s` is how long an acknowledged event may take to arrive before it is lost, `watch_for_s`
    for how long the topic is watched after the last answer at least.
    `versions` are those of the programs that made the run, by their names. `tag` begins each of its
    identities (see `ids.py`): the run id where the manifest has none.
    """

    run_id: str
    created_at: str
    headcount_version: str
    scenario: str
    host: str
    bootstrap_servers: str
    cluster_id: str
    topic: str
    topic_id: str | None
    cleanup_policy: str
    start_offsets: dict[int, int]
    ledger: str = LEDGER
    broker_data: str | None = None
    database: str | None = None
    promise: str = ""
    event_id_field: str = HEADER
    thresholds: tuple[str, ...] = ()
    outcome_rules: tuple[str, ...] = ()
    settle_s: float = SETTLE_S
    watch_for_s: float = WATCH_FOR_S
    options: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    tag: str = ""
    format: int = FORMAT

    def __post_init__(self) -> None:
        """Take the run id for the tag of a run that was made before there were tags."""
        if not self.tag:
            object.__setattr__(self, "tag", self.run_id)


@validated(frozen=True, slots=True)
class End:
    """Where each partition ended, and where its log began then.

    `sealed` says that every generator had sealed its ledger by then: only such an end is the run's
    for good, for until then more can come. `generators` are those, None where it was not noted: one
    that comes to light later may have gone on after it. `unreadable` is by partition how many
    messages lay behind the end that its leader had and no consumer could read, for replicas lacked
    them.

    `watched_s` is how long after the last answer the end was noted, None where that is not known,
    and `settle_s` how long acknowledged events were given to arrive. `moving` counts those that
    still arrived when that time was nearly over, while others were missing. `cut_short` says what
    kept the topic from being watched until the end of that time.
    """

    end_offsets: dict[int, int]
    log_start_offsets: dict[int, int]
    read_at: str
    sealed: bool = False
    unreadable: dict[int, int] = field(default_factory=dict)
    generators: tuple[int, ...] | None = None
    watched_s: float | None = None
    settle_s: float | None = None
    moving: int = 0
    cut_short: str = ""

    def is_final(self, generators: Iterable[int]) -> bool:
        """Tell whether no event of the run, by these generators, can lie behind it."""
        known = self.generators is None or set(self.generators).issuperset(generators)
        return self.sealed and known and not self.unreadable and not self.cut_short


@validated(frozen=True, slots=True)
class Generators:
    """Which generators have begun to make requests."""

    begun: tuple[int, ...]


@validated(frozen=True, slots=True)
class Abort:
    """The threshold that stopped the test, and what was measured then, both as they are shown."""

    threshold: str
    measured: str
    at: str


@validated(frozen=True, slots=True)
class Scheduled:
    """When the schedule of a rate began, as Unix time, and how far it has come.

    `due` are the arrivals that were due by then, by generator: those of one that died, too.
    """

    began_at_ns: int
    elapsed_s: float
    due: dict[int, int]
