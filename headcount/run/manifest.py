"""A run's documents: its manifest, and what is recorded during the run and at its end."""

from collections.abc import Iterable
from dataclasses import field
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass as validated

from headcount.run.default_times import SETTLE_S, WATCH_FOR_S
from headcount.run.id_form import IdForm, RunIds
from headcount.run.id_location import IdLocation, LocationKind, default_location, parse_location
from headcount.run.ids import HEADER
from headcount.run.message_format import JSON, FormatSettings

FORMAT = 1

LEDGER = "ledger"

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
LeaderEpoch = Annotated[int, Field(ge=0, lt=2**31)]

JUDGED_BY_PARENT = "HEADCOUNT_JUDGED_BY_PARENT"
"""The environment variable that tells a generator that its parent process will judge the run."""


@validated(frozen=True, slots=True)
class Manifest:
    """What a run was, and where its events begin; offsets are by partition.

    `broker_data` and `database` are paths, relative to the run's folder, to the data of its own
    broker and service; None without one. `promise` says what an acknowledgement of the service
    guarantees, such as `acks=all, idempotent`; empty if not stated. `thresholds` are those of the
    run's start. `outcome_rules` decide outcomes that a status alone does not decide. `settle_s` is
    how long an acknowledged event may take to arrive before it is lost, `watch_for_s` the minimum
    time for which the topic is watched after the last response. `versions` are those of the
    programs that made the run, by name. `cleanup_policy` is empty if the user may not see it. All
    ids of the run begin with `tag` (see `ids.py`), or with the run id if the stored manifest has no
    tag. `start_epochs` are the epochs of the leaders that reported the start offsets, as far as
    they are known.

    `id_form` is how ids are written, `id_header` the request header that carries them, and `id_at`
    where messages do (see `id_location.py`); earlier manifests have `event_id_field` instead.
    `trace_url` is where a request's trace is shown (see `trace_url.py`).
    `message_format`, `compare_at` and `schema_registry` are explained in `message_format.py`.
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
    start_epochs: dict[int, LeaderEpoch] = field(default_factory=dict)
    ledger: str = LEDGER
    broker_data: str | None = None
    database: str | None = None
    promise: str = ""
    event_id_field: str = ""
    id_form: IdForm = IdForm.PLAIN
    id_header: str = HEADER
    id_at: str = ""
    message_format: str = JSON
    compare_at: str = ""
    schema_registry: str = ""
    trace_url: str = ""
    thresholds: tuple[str, ...] = ()
    outcome_rules: tuple[str, ...] = ()
    settle_s: Seconds = SETTLE_S
    watch_for_s: Seconds = WATCH_FOR_S
    options: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    tag: str = ""
    format: int = FORMAT

    def __post_init__(self) -> None:
        """Use the run id as the tag if the manifest has none."""
        if not self.tag:
            object.__setattr__(self, "tag", self.run_id)

    @property
    def ids(self) -> RunIds:
        """The run's ids."""
        return RunIds(self.tag, self.id_form)

    @property
    def id_location(self) -> IdLocation:
        """Where messages carry the id. UsageError if the manifest names no such location."""
        if self.id_at:
            return parse_location(self.id_at)
        if self.event_id_field:
            return IdLocation(LocationKind.FIELD, self.event_id_field)
        return default_location(self.id_header)

    @property
    def format_settings(self) -> FormatSettings:
        """How messages are written."""
        return FormatSettings(self.message_format, self.compare_at, self.schema_registry)


@validated(frozen=True, slots=True)
class EarlierEnd:
    """An end that was recorded before the last one: where each partition ended at that time.

    That was at least `watched_s` after the last response. Events beyond this end arrived later. A
    partition that is missing did not exist then.
    """

    watched_s: float
    end_offsets: dict[int, int]


@validated(frozen=True, slots=True)
class End:
    """Where each partition ended, and where its log began then.

    `sealed` says that every generator had sealed its ledger by then: only such an end is final,
    because until then more can come. `generators` are those that had sealed by then, None if not
    recorded; any other generator that turns up later may have made requests after the end.
    `unreadable` counts by partition the messages beyond the end that the leader had but no consumer
    could read, because replicas lacked them.

    `watched_s` is how long after the last response the end was recorded, None if unknown, and
    `settle_s` how much time acknowledged events were given to arrive. `moving` counts the
    acknowledged events that still arrived when `settle_s` was nearly over, while others were
    missing. `cut_short` says why the topic was not watched until `settle_s` was over. `earlier`
    has, in order, the ends that were recorded before, if events are still missing.
    """

    end_offsets: dict[int, int]
    log_start_offsets: dict[int, int]
    read_at: str
    sealed: bool = False
    unreadable: dict[int, int] = field(default_factory=dict)
    generators: tuple[int, ...] | None = None
    watched_s: float | None = None
    settle_s: Seconds | None = None
    moving: int = 0
    cut_short: str = ""
    earlier: tuple[EarlierEnd, ...] = ()

    def is_final(self, generators: Iterable[int]) -> bool:
        """Return whether no event of the run, by these generators, can lie beyond it."""
        known = self.generators is None or set(self.generators).issuperset(generators)
        return self.sealed and known and not self.unreadable and not self.cut_short


@validated(frozen=True, slots=True)
class Generators:
    """Which generators have begun to make requests."""

    begun: tuple[int, ...]


@validated(frozen=True, slots=True)
class Abort:
    """The threshold that stopped the test, and the value measured then, both as shown."""

    threshold: str
    measured: str
    at: str


@validated(frozen=True, slots=True)
class Scheduled:
    """When the schedule of a rate began, as Unix time, and how far it has come.

    `due` counts the arrivals due by then, by generator, including generators that died.
    """

    began_at_ns: int
    elapsed_s: float
    due: dict[int, int]
