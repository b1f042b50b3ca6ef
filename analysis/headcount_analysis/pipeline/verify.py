"""Verifying: takes a run through every step, from ledger and topic to verdict and report.

A step that fails for want of evidence, or crashes, leaves a report all the same: an inconclusive
one, whose first reason says what happened. Nothing here turns into a pass by being skipped.
"""

import contextlib
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from pyspark import SparkContext, StorageLevel
from pyspark.sql import DataFrame

from headcount.errors import EvidenceError, PartError, UsageError
from headcount.files import write_atomically
from headcount.ledger.generator_health import read_health
from headcount.ledger.location import open_location
from headcount.ledger.reader import GeneratorLedger
from headcount.ledger.shortfall import read_shortfall
from headcount.open_model.rate import parse_rate
from headcount.open_model.scheduled_arrivals import all_arrivals
from headcount.run.folder import RunFolder
from headcount.run.manifest import End, Manifest
from headcount.run.marks import read_marks
from headcount.thresholds.grammar import Threshold
from headcount_analysis.compare_run import attempt_counts, message_counts, ordering
from headcount_analysis.compare_run.blocks import Block, Grains, works
from headcount_analysis.compare_run.classes import UNKNOWN
from headcount_analysis.compare_run.exception_patterns import patterns
from headcount_analysis.evidence import Evidence, LedgerState, Order, PartitionRead, TopicSeen
from headcount_analysis.judge import Judgement, Limits, crashed, judge, other_topic
from headcount_analysis.ledger import overview
from headcount_analysis.ledger.overview import Overview
from headcount_analysis.measure import clocks, over_time, timeline
from headcount_analysis.measure.breakdown import Breakdown, breakdown, sampled_every
from headcount_analysis.measure.generator_health import Generators, generators
from headcount_analysis.measure.histogram import Bucket, Measure, distributions
from headcount_analysis.measure.over_time import OverTime, RateAt
from headcount_analysis.measure.publish_delay import longest_delay_s
from headcount_analysis.measure.rates import Rates, of_arrivals, of_requests
from headcount_analysis.measure.samples import Sample, samples
from headcount_analysis.measure.threshold_results import Judged, judged
from headcount_analysis.measure.timeline import Timeline
from headcount_analysis.messages import timestamps
from headcount_analysis.messages.second_look import compared, placed
from headcount_analysis.pipeline.follow import (
    ARRIVALS_FOLDER,
    FATES_FOLDER,
    Followed,
    compared_by,
    expected,
    ledger_parts,
    load,
)
from headcount_analysis.read import topic_range, topic_rows
from headcount_analysis.read.settling import Database, Settling
from headcount_analysis.read.source import Kafka, Source
from headcount_analysis.report.model import Report
from headcount_analysis.report.versions import versions
from headcount_analysis.spark.object_store import spark_url
from headcount_analysis.spark.session import is_alive, sql
from headcount_analysis.spark.tables import Tables, keep_only
from headcount_analysis.state import comparison
from headcount_analysis.state.differences import StateCheck
from headcount_analysis.state.game.economy import Economy, economy
from headcount_analysis.state.game.effects import EVENT_TYPES, effects, implied
from headcount_analysis.state.game.events import parsed

__all__ = ["Database", "Limits", "Report", "TopicSeen", "verify"]

Progress = Callable[[str], None]
"""Is told of each step as it begins."""

EFFECTS_FOLDER = "effects.parquet"

IsEmpty = Callable[[int, int, int], bool]
"""Tells of a partition whether a consumer meets no message from one offset to before another."""


@dataclass(frozen=True, slots=True)
class Case:
    """One run to be judged, and by what."""

    folder: RunFolder
    manifest: Manifest
    end: End
    tables: Tables
    limits: Limits = field(default_factory=Limits)
    seen: TopicSeen = field(default_factory=TopicSeen)
    parts: Sequence[GeneratorLedger] | None = None
    is_empty: IsEmpty | None = None
    database: Database = field(default_factory=Database)
    thresholds: Sequence[Threshold] = ()
    followed: Followed | None = None
    overview: Overview | None = None
    settling: Settling | None = None

    @property
    def owners(self) -> str:
        """What the names of the run's owners begin with."""
        return f"{self.manifest.tag}."

    @property
    def offsets(self) -> topic_range.OffsetRange:
        """The part of the topic that is the run's, as far as Kafka still has it.

        What it no longer has at the start is for the judge to hold against the run.
        """
        start = {
            partition: max(
                self.manifest.start_offsets.get(partition, 0),
                self.end.log_start_offsets.get(partition, 0),
                self.seen.log_start_offsets.get(partition, 0),
            )
            for partition in self.end.end_offsets
        }
        return topic_range.OffsetRange(self.manifest.topic, start, self.end.end_offsets)


def verify(
    *,
    folder: RunFolder,
    manifest: Manifest,
    end: End,
    spark: SparkContext,
    limits: Limits | None = None,
    bootstrap_servers: str | None = None,
    evidence: TopicSeen | None = None,
    parts: Sequence[GeneratorLedger] | None = None,
    is_empty: IsEmpty | None = None,
    database: Database | None = None,
    thresholds: Sequence[Threshold] = (),
    source: Source | None = None,
    tables: Tables | None = None,
    followed: Followed | None = None,
    overview: Overview | None = None,
    settling: Settling | None = None,
    progress: Progress = lambda _step: None,
) -> Report:
    """Judge a run by its ledger and its part of the topic, and write its report.

    Args:
        folder: The run's folder; the report and the two tables behind it are written there.
        manifest: What the run was.
        end: Where the topic ended.
        spark: Does the work.
        limits: What the run allows; by default no loss, duplicate, ghost, phantom or corruption.
        bootstrap_servers: Brokers that have the topic, by default those of the manifest.
        evidence: What the cluster says of itself and the topic now.
        parts: The ledger as it was found before `end` was read, by default as it is now.
        is_empty: Looks at the end of a partition where no message was read, by default nobody does.
        database: What is known of the service's database, by default nothing.
        thresholds: What the run must keep to besides.
        source: Reads the topic instead of Kafka.
        tables: Where the tables behind the report go, by default into the run's folder alone.
        followed: What was found out while the run was under way, by default nothing.
        overview: What is known of a ledger that was not followed, by default nothing.
        settling: Says how far to read on while events are missing, by default no further.
        progress: Is told of each step.

    Returns:
        The report. What keeps the run from being judged makes it an inconclusive one.

    Raises:
        PartError: Spark died on the way.
        EvidenceError: The report cannot be written.
    """
    case = Case(
        folder=folder,
        manifest=manifest,
        end=end,
        tables=tables or Tables(folder.path.absolute()),
        limits=limits or Limits(),
        seen=evidence or TopicSeen(),
        parts=parts,
        is_empty=is_empty,
        database=database or Database(),
        thresholds=thresholds,
        followed=followed,
        overview=overview,
        settling=settling,
    )
    servers = bootstrap_servers or manifest.bootstrap_servers
    report = _judged(case, spark, source or Kafka(spark, servers), progress)
    progress("writing the report")
    # What draws its charts takes long to load: that can be done while Spark is at work.
    from headcount_analysis.report.writer import write  # noqa: PLC0415

    try:
        write(report, folder)
    except OSError as error:
        raise EvidenceError(f"cannot write the report in {folder.path}: {error}") from error
    return report


def _judged(case: Case, spark: SparkContext, source: Source, progress: Progress) -> Report:
    """Take the run through all steps; whatever goes wrong, it never counts as a pass."""
    try:
        return _verified(case, spark, source, progress)
    except EvidenceError as error:
        return _crashed(case, str(error))
    except Exception as error:
        if not is_alive(spark):
            raise PartError(
                f"Spark died while it verified {case.folder.path}: see its log in "
                f"{case.folder.logs}, and give it more memory if that ran out"
            ) from error
        return _crashed(case, _told(error, _kept_traceback(case, error)))


def _kept_traceback(case: Case, error: Exception) -> Path:
    path = case.folder.logs / "verify-crash.log"
    with contextlib.suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, "".join(traceback.format_exception(error)))
    return path


def _verified(case: Case, spark: SparkContext, source: Source, progress: Progress) -> Report:
    """Take the run through all steps."""
    for doubt in other_topic(case.manifest, case.seen):
        raise EvidenceError(str(doubt))
    case, result = _settled(case, spark, source, progress)
    found, cut, blocks = result.found, result.cut, result.blocks
    progress("counting")
    evidence = _evidence(case, found.state, result.arrived, blocks)
    buckets = distributions([block.durations for block in blocks])
    evidence = replace(
        evidence,
        placement=placed(source, evidence),
        differences=compared(source, evidence, found, case.folder.path / FATES_FOLDER),
    )
    state, trade = StateCheck(), None
    if found.state.changing_types:
        progress("comparing the state")
        state, trade = _state(case, found, spark, source)
    fates, span_ns = case.folder.path / FATES_FOLDER, found.times.span_ns
    evidence = replace(
        evidence,
        state=state,
        unanswered=_unanswered(buckets),
        order=_order(case, evidence),
        longest_delay_s=longest_delay_s(fates) if evidence.counts.lost else None,
    )
    windows = [each.window for each in case.thresholds]
    whole = _whole(evidence, buckets)
    measured = samples(windows, whole, fates, span_ns, found.state.event_types)
    span_s = 0.0 if span_ns is None else (span_ns[1] - span_ns[0]) / 1e9
    thresholds = judged(case.thresholds, measured, case.folder.read_abort())
    return _report(
        case,
        judge(evidence, case.limits, thresholds),
        evidence=evidence,
        buckets=buckets,
        course=_course(case, cut, blocks),
        happened=_happened(case, cut, blocks),
        rates=_rates(case, evidence.counts.attempted, span_s),
        span_s=span_s,
        parted=breakdown([block.sample for block in blocks], cut.sampled_every),
        trade=trade,
        thresholds=thresholds,
    )


def _unanswered(buckets: Sequence[Bucket]) -> int:
    return sum(each.unanswered for each in buckets if each.measure is Measure.HTTP)


def _order(case: Case, evidence: Evidence) -> Order | None:
    """Count what has an order, where anybody asks for it."""
    is_asked = case.limits.reordered is not None
    is_asked |= any(each.metric == "reordered" for each in case.thresholds)
    if not is_asked:
        return None
    return ordering.order(case.folder.path / FATES_FOLDER, evidence.checked.seen)


def _whole(evidence: Evidence, buckets: tuple[Bucket, ...]) -> Sample:
    """Give what was measured in all of the run, but for its length."""
    return Sample(
        evidence.by_event_type,
        buckets,
        0.0,
        checkable=evidence.checkable,
        clocks=evidence.clocks,
        unusable=evidence.unusable,
        order=evidence.order,
    )


@dataclass(frozen=True, slots=True)
class _Compared:
    """What came of comparing a ledger with what was read of the topic."""

    found: overview.Ledger
    arrived: topic_rows.Arrivals
    cut: "_Cut"
    blocks: tuple[Block, ...]

    @property
    def missing(self) -> int:
        """How many acknowledged events were not in what was read."""
        counts = (each for block in self.blocks for each in block.attempts.by_event_type.values())
        return sum(each.lost for each in counts)


def _settled(
    case: Case, spark: SparkContext, source: Source, progress: Progress
) -> tuple[Case, _Compared]:
    """Compare, and read on while events are missing and may come; give what was judged last."""
    followed = case.followed or Followed.nothing(case.tables, case.overview)
    result, why_not = _compared(case, followed, spark, source, progress), ""
    settling = case.settling
    while settling is not None:
        answered_ns = result.found.times.last.get("answered_at_ns")
        reach = settling.later(result.missing, answered_ns, progress)
        if reach is None:
            break
        further = replace(case, end=reach.end, parts=reach.parts, database=reach.database)
        try:
            result = _compared(further, followed, spark, source, progress)
        except EvidenceError as error:
            why_not = str(error)
            break
        case = further
    if settling is not None:
        case = replace(case, end=settling.settled(why_not))
    case.tables.finish(ARRIVALS_FOLDER)
    keep_only(followed.fates_place, {each.file for each in result.blocks})
    case.tables.finish(FATES_FOLDER)
    return case, result


def _compared(
    case: Case, followed: Followed, spark: SparkContext, source: Source, progress: Progress
) -> _Compared:
    """Read what was not read of the ledger and the topic, and compare what that has changed."""
    progress("reading the ledger")
    parts = case.parts
    if parts is None:
        parts = ledger_parts(case.folder, case.manifest, followed.files)
    found = load(case.folder, case.manifest, parts, followed.overview)
    looked_for = expected(case.manifest, found)
    progress("reading the topic")
    arrived = followed.read(source, looked_for, found, case.offsets, case.seen)
    keep_only(followed.arrivals_place, arrived.files)
    progress("reconciling")
    cut = _cut(found, arrived)
    comparison = compared_by(case.manifest, case.limits.late_after_ms, found, cut.grains, followed)
    todo = works(found, arrived.groups, arrived.span)
    blocks = followed.compared.compare(spark, comparison, todo, progress)
    return _Compared(found, arrived, cut, blocks)


@dataclass(frozen=True, slots=True)
class _Cut:
    """How a run's course and its timeline are cut up; None where nothing is timed."""

    course: over_time.Span | None
    timeline: timeline.Span | None
    sampled_every: int

    @property
    def grains(self) -> Grains:
        return Grains(
            None if self.course is None else self.course.grain,
            None if self.timeline is None else self.timeline.grain,
            self.sampled_every,
        )


def _cut(found: overview.Ledger, arrived: topic_rows.Arrivals) -> _Cut:
    times, seen = found.times, None
    if arrived.first_ms is not None and arrived.last_ms is not None:
        seen = arrived.first_ms, arrived.last_ms
    return _Cut(
        over_time.span(times.first, times.last, seen),
        None if times.sent_ns is None else timeline.Span(*times.sent_ns),
        sampled_every(found.state.asked),
    )


def _course(case: Case, cut: _Cut, blocks: Sequence[Block]) -> OverTime:
    parts = [block.course for block in blocks if block.course is not None]
    return over_time.over_time(cut.course, parts, _rate_at(case))


def _happened(case: Case, cut: _Cut, blocks: Sequence[Block]) -> Timeline:
    parts = [block.moments for block in blocks if block.moments is not None]
    return timeline.timeline(cut.timeline, parts, read_marks(case.folder.marks_path))


def _rate_at(case: Case) -> RateAt | None:
    """What was asked for over time, by the plan and when it began; None where no rate was."""
    text, scheduled = case.manifest.options.get("rate"), case.folder.read_scheduled()
    if not text or scheduled is None:
        return None
    try:
        plan = parse_rate(str(text))
    except UsageError as error:
        raise EvidenceError(f"{case.folder.manifest_path} is damaged: {error}") from None

    def rate_at(at_ns: int) -> float:
        elapsed_s = (at_ns - scheduled.began_at_ns) / 1e9
        return plan.rate_at(elapsed_s) if 0 <= elapsed_s <= scheduled.elapsed_s else 0.0

    return rate_at


def _rates(case: Case, attempted: int, span_s: float) -> Rates:
    """What was asked for and made a second: of the arrivals where there was a schedule of them."""
    scheduled = case.folder.read_scheduled()
    if scheduled is None:
        return of_requests(attempted, span_s)
    location = open_location(case.folder.ledger_location(case.manifest))
    return of_arrivals(all_arrivals(*location, scheduled.due), scheduled.elapsed_s)


def _state(
    case: Case, found: overview.Ledger, spark: SparkContext, source: Source
) -> tuple[StateCheck, Economy | None]:
    """Compare what was expected, what the topic implies, and what the database says."""
    unknown = sorted(set(found.state.changing_types) - EVENT_TYPES - {UNKNOWN})
    if unknown:
        why = f"what events of type {', '.join(unknown)} change is not known here"
        has_known = not EVENT_TYPES.isdisjoint(found.state.changing_types)
        is_due = has_known or case.database.stored is not None
        return StateCheck(why_not=why, is_due=is_due), None
    read = topic_range.messages(source.frame(case.offsets))
    # The topic is read once, for all that is made of it.
    events = parsed(read, {}, case.manifest.event_id_field).persist(StorageLevel.DISK_ONLY)
    try:
        return _accounted(case, found, spark, events)
    finally:
        events.unpersist()


def _accounted(
    case: Case, found: overview.Ledger, spark: SparkContext, events: DataFrame
) -> tuple[StateCheck, Economy]:
    changes = case.tables.keep(effects(events, case.owners), EFFECTS_FOLDER)
    fates = _fates(case, spark)
    check = comparison.compare(
        expected=comparison.expectations(comparison.owned_changes(sql(spark), found), fates),
        implied=changes,
        stored=_stored(case, spark),
        torn=[part.generator for part in found.state.torn],
    )
    if case.database.stored is None and check.numbers:
        check = replace(check, why_not=case.database.why_not, is_due=case.database.is_due)
    return check, economy(events, implied(changes), case.owners)


def _stored(case: Case, spark: SparkContext) -> DataFrame | None:
    if case.database.stored is None:
        return None
    return comparison.stored_account(
        sql(spark), case.tables.lend(case.database.stored), case.owners
    )


def _evidence(
    case: Case, state: LedgerState, arrived: topic_rows.Arrivals, blocks: Sequence[Block]
) -> Evidence:
    messages = message_counts.of_messages(arrived.counts, case.offsets)
    attempts = attempt_counts.merged_attempts([block.attempts for block in blocks])
    _check_sums(messages, attempts, message_counts.claimed(arrived.counts))
    return Evidence(
        by_event_type=attempt_counts.merged(attempts.by_event_type, messages.by_event_type),
        ledger=state,
        partitions=tuple(_with_tail(each, case.is_empty) for each in messages.partitions),
        manifest=case.manifest,
        end=case.end,
        seen=case.seen,
        timestamp_types=messages.timestamp_types,
        clocks=clocks.merged(clock for block in blocks for clock in block.clocks),
        by_generator=attempts.by_generator,
        by_answer=attempts.by_answer,
        locust_exit=case.folder.read_locust_exit(),
        generators=_generators(case, state),
        rows=attempts.rows,
        checkable=attempts.checkable,
        unusable=timestamps.added_up(block.unusable for block in blocks),
    )


def _check_sums(
    messages: message_counts.Messages, attempts: attempt_counts.Attempts, claimed: int
) -> None:
    """See that each message was read and compared once. EvidenceError if the sums say otherwise."""
    wrong = "the verifier is wrong; please report it"
    if claimed != attempts.copies:
        raise EvidenceError(
            f"{claimed} messages of the run were read, and {attempts.copies} compared: {wrong}"
        )
    for each in messages.partitions:
        if each.read > each.end - each.start:
            raise EvidenceError(
                f"partition {each.partition} has {each.end - each.start} offsets, and {each.read} "
                f"messages were read: {wrong}"
            )


def _generators(case: Case, state: LedgerState) -> Generators:
    filesystem, path = open_location(case.folder.ledger_location(case.manifest))
    numbers = [each.generator for each in state.generators]
    healths = {number: read_health(filesystem, path, number) for number in numbers}
    shortfalls = [read_shortfall(filesystem, path, number) for number in numbers]
    return generators(healths, case.folder.begun, case.manifest.options, shortfalls)


def _with_tail(partition: PartitionRead, is_empty: IsEmpty | None) -> PartitionRead:
    """Look whether what was not read at the end is there: a transaction's marker is no message."""
    if partition.reached_end or is_empty is None:
        return partition
    first = partition.start if partition.last is None else partition.last + 1
    return replace(partition, tail_is_empty=is_empty(partition.partition, first, partition.end))


def _fates(case: Case, spark: SparkContext) -> DataFrame:
    place = spark_url(case.tables.kept(FATES_FOLDER))
    return sql(spark).read.option("__globPaths__", "false").parquet(place)


def _crashed(case: Case, reason: str) -> Report:
    nothing = tuple(Judged(each, None) for each in case.thresholds)
    return _report(case, crashed(reason, case.limits, nothing), thresholds=nothing)


def _report(
    case: Case,
    judgement: Judgement,
    *,
    evidence: Evidence | None = None,
    buckets: tuple[Bucket, ...] = (),
    course: OverTime | None = None,
    happened: Timeline | None = None,
    rates: Rates | None = None,
    parted: Breakdown | None = None,
    trade: Economy | None = None,
    span_s: float = 0.0,
    thresholds: tuple[Judged, ...] = (),
) -> Report:
    fates = case.folder.path / FATES_FOLDER if evidence else None
    return Report(
        manifest=case.manifest,
        end=case.end,
        limits=case.limits,
        judgement=judgement,
        evidence=evidence,
        buckets=buckets,
        over_time=course or OverTime(),
        timeline=happened or Timeline(),
        rates=rates or Rates(),
        breakdown=parted or Breakdown(),
        economy=trade,
        thresholds=thresholds,
        fates=fates,
        patterns=patterns(fates),
        locust_exit=case.folder.read_locust_exit(),
        verified_at=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=versions(case.manifest),
        span_s=span_s,
    )


def _told(error: Exception, log: Path) -> str:
    """Say in a line what crashed: of a Java stack trace, its innermost cause."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    causes = [line for line in lines if line.startswith("Caused by: ")]
    telling = causes[-1].removeprefix("Caused by: ") if causes else (lines or [repr(error)])[0]
    return f"a check crashed, so nothing is proven: {telling[:400]}; see {log}"
