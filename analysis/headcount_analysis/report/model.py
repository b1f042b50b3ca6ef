"""The report: everything known about a run, independent of any output format."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from headcount.run.locust_exit import LocustExit
from headcount.run.manifest import End, Manifest
from headcount.run.verdict import Check, Label, Result, Verdict, meaning_of
from headcount_analysis.causes.exception_patterns import Pattern
from headcount_analysis.causes.losses import Losses
from headcount_analysis.causes.unacknowledged import UnacknowledgedGroup
from headcount_analysis.classes_and_flags import Counts
from headcount_analysis.corrupted.summary import Differences
from headcount_analysis.evidence import Evidence
from headcount_analysis.judge import Judgement, Limits
from headcount_analysis.measure.breakdown import Breakdown
from headcount_analysis.measure.generator_health import FleetHealth
from headcount_analysis.measure.histogram import Bucket
from headcount_analysis.measure.latency import CurvePoint, Latency, latencies, percentile_curve
from headcount_analysis.measure.over_time import OverTime
from headcount_analysis.measure.rates import Rates
from headcount_analysis.measure.threshold_results import ThresholdResult
from headcount_analysis.measure.timeline import Timeline
from headcount_analysis.reconciliation.class_times import ClassTimes
from headcount_analysis.report.earlier_run import EarlierRun
from headcount_analysis.state.differences import StateCheck
from headcount_analysis.state.game.economy import Economy

UNKNOWN_STATE = StateCheck(why_not="no evidence could be gathered")


@dataclass(frozen=True, slots=True)
class Report:
    """Everything known about a run; `evidence` is None if it could not be gathered.

    `economy` is None if no request changed the game's state; `span_s` is the time from the first
    request to the last response. `span_error_s` is by how much differing clocks may make it wrong,
    infinite if that is unknown. `class_times` are the send times of each class and flag that
    occurs; `earlier` are runs of the same scenario before this one, the latest first;
    `has_history_page` is whether a page of all runs is beside them.
    """

    manifest: Manifest
    end: End
    limits: Limits
    judgement: Judgement
    evidence: Evidence | None = None
    buckets: tuple[Bucket, ...] = ()
    over_time: OverTime = field(default_factory=OverTime)
    timeline: Timeline = field(default_factory=Timeline)
    rates: Rates = field(default_factory=Rates)
    breakdown: Breakdown = field(default_factory=Breakdown)
    economy: Economy | None = None
    thresholds: tuple[ThresholdResult, ...] = ()
    fates: Path | None = None
    patterns: tuple[Pattern, ...] = ()
    losses: Losses = field(default_factory=Losses)
    unacknowledged: tuple[UnacknowledgedGroup, ...] = ()
    locust_exit: LocustExit | None = None
    verified_at: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    span_s: float = 0.0
    span_error_s: float = 0.0
    class_times: Mapping[str, ClassTimes] = field(default_factory=dict)
    earlier: tuple[EarlierRun, ...] = ()
    has_history_page: bool = False

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.manifest.run_id

    @property
    def previous(self) -> EarlierRun | None:
        """The last run of the same scenario before this one."""
        return self.earlier[0] if self.earlier else None

    @property
    def verdict(self) -> Verdict:
        """The verdict on delivery."""
        return self.judgement.verdict

    @property
    def label(self) -> Label:
        """The label of the run."""
        return self.judgement.label

    @property
    def meaning(self) -> str:
        """The sentence below the label."""
        return meaning_of(self.checks)

    @property
    def checks(self) -> tuple[Check, ...]:
        """All checks, thresholds last."""
        return self.judgement.checks

    @property
    def broken(self) -> tuple[ThresholdResult, ...]:
        """The thresholds that the measured values break."""
        return tuple(result for result in self.thresholds if result.result is Result.BROKEN)

    @property
    def exit_code(self) -> int:
        """The command's exit code: the label's, or Locust's if that is worse."""
        code = self.label.exit_code
        return code if self.locust_exit is None else self.locust_exit.worse(code)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the run is not a pass, most important first."""
        return self.judgement.reasons

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the reader; they do not affect the verdict."""
        return self.judgement.notes

    @property
    def differences(self) -> Differences:
        """The fields that differ in corrupted events."""
        return Differences() if self.evidence is None else self.evidence.differences

    def sample_of(self, answer: str) -> str:
        """Return the beginning of the first response with this status or error, if it is known."""
        samples = {} if self.locust_exit is None else self.locust_exit.answers
        return samples.get(answer, "")

    @property
    def counts(self) -> Counts | None:
        """The whole run's counts."""
        return None if self.evidence is None else self.evidence.counts

    @property
    def by_event_type(self) -> Mapping[str, Counts]:
        """The counts of each event type; they add up to the whole run's."""
        return {} if self.evidence is None else self.evidence.by_event_type

    @property
    def state(self) -> StateCheck:
        """The result of comparing the state's three accounts."""
        return UNKNOWN_STATE if self.evidence is None else self.evidence.state

    @property
    def first_notes(self) -> tuple[str, ...]:
        """The notes that readers need to interpret everything else."""
        return self.judgement.first_notes

    @property
    def endpoints(self) -> Mapping[str, tuple[str, ...]]:
        """The requests of each event type, such as `POST /swords`, as far as they are known."""
        return {} if self.evidence is None else self.evidence.endpoints

    @property
    def generators(self) -> FleetHealth:
        """The health of the generators that made the requests."""
        return FleetHealth() if self.evidence is None else self.evidence.generators

    @property
    def latencies(self) -> tuple[Latency, ...]:
        """Every measure by event type and in total."""
        return latencies(self.buckets)

    @property
    def percentiles(self) -> tuple[CurvePoint, ...]:
        """The percentile curve of every measure, by event type and in total."""
        return percentile_curve(self.buckets)
