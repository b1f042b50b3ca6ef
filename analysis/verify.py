"""Verifying: takes a run through every step, from ledger and topic to verdict and report.

A step that fails for want of evidence, or crashes, leaves a report all the same: an inconclusive
one, whose first reason says what happened. Nothing here turns into a pass by being skipped.
"""

import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pyspark
from py4j.protocol import Py4JError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from analysis import content, ledger, reconcile, tally, topic
from analysis.classes import Counts
from analysis.evidence import Evidence, LedgerState, TopicSeen
from analysis.judge import Judgement, Limits, judge
from analysis.latency import Distributions, distributions
from headcount.errors import EvidenceError, PartError
from headcount.ledger import open_location, read_ledger
from headcount.run import End, Manifest, RunFolder
from headcount.verdict import Verdict

Step = Callable[[str], AbstractContextManager[object]]
"""Tells the user that a step is under way, such as `Console.step`."""

ARRIVALS_FOLDER, FATES_FOLDER = "arrivals.parquet", "fates.parquet"

Source = Callable[[topic.OffsetRange], DataFrame]
"""Reads a range of the topic, as `topic.SOURCE_SCHEMA` has it."""


@dataclass(frozen=True, slots=True)
class Report:
    """All that is said of a run; `evidence` is None where it could not be gathered."""

    manifest: Manifest
    end: End
    limits: Limits
    judgement: Judgement
    evidence: Evidence | None = None
    distributions: Distributions = field(default_factory=Distributions)
    fates: Path | None = None
    verified_at: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.manifest.run_id

    @property
    def verdict(self) -> Verdict:
        """The verdict."""
        return self.judgement.verdict

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is no pass."""
        return self.judgement.reasons

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know besides."""
        return self.judgement.notes

    @property
    def counts(self) -> Counts | None:
        """The whole run's counts."""
        return None if self.evidence is None else self.evidence.counts

    @property
    def by_event_type(self) -> Mapping[str, Counts]:
        """The counts of each event type, which add up to the whole."""
        return {} if self.evidence is None else self.evidence.by_event_type


@dataclass(frozen=True, slots=True)
class Case:
    """One run to be judged, and by what."""

    folder: RunFolder
    manifest: Manifest
    end: End
    limits: Limits = field(default_factory=Limits)
    seen: TopicSeen = field(default_factory=TopicSeen)

    @property
    def offsets(self) -> topic.OffsetRange:
        """The part of the topic that is the run's."""
        return topic.OffsetRange(
            self.manifest.topic, self.manifest.start_offsets, self.end.end_offsets
        )


def verify(
    case: Case,
    spark: SparkSession,
    *,
    source: Source | None = None,
    kafka_options: Mapping[str, str] | None = None,
    step: Step = nullcontext,
) -> Report:
    """Judge a run by its ledger and its part of the topic.

    `source` reads the topic, by default from the manifest's broker; `kafka_options` are for its
    client. What keeps the run from being judged ends in an inconclusive report.

    Raises:
        PartError: Spark died on the way.
    """
    read = source or _from_kafka(case, spark, kafka_options)
    try:
        return _verified(case, spark, read, step)
    except EvidenceError as error:
        return _crashed(case, str(error))
    except OSError as error:
        return _crashed(case, f"a file of the run cannot be read or written: {error}")
    except (PySparkException, Py4JError) as error:
        if not _is_alive(spark):
            raise PartError(
                f"Spark died while it verified {case.folder.path}; see its log"
            ) from error
        return _crashed(case, f"a check crashed: {_told(error)}")


def _from_kafka(case: Case, spark: SparkSession, kafka_options: Mapping[str, str] | None) -> Source:
    cores = spark.sparkContext.defaultParallelism
    servers = case.manifest.bootstrap_servers
    return lambda offsets: topic.read(spark, servers, offsets, 2 * cores, kafka_options)


def _verified(case: Case, spark: SparkSession, source: Source, step: Step) -> Report:
    """Take the run through all steps."""
    with step("Reading the ledger"):
        found = _ledger(case, spark)
    expected = content.Expected(
        run_id=case.manifest.run_id,
        event_id_field=case.manifest.event_id_field,
        asked={state.generator: state.asked for state in found.state.generators},
        shapes=found.state.shapes,
    )
    with step("Reading the topic"):
        messages = topic.messages(source(case.offsets))
        arrivals = _kept(content.with_content(messages, expected), case, ARRIVALS_FOLDER)
    with step("Reconciling"):
        fates = _kept(_fates(case, found, arrivals), case, FATES_FOLDER)
    with step("Counting"):
        evidence = _evidence(case, found.state, arrivals, fates)
        times = distributions(fates, found.state.event_types, ledger.UNKNOWN)
    judgement = judge(evidence, case.limits)
    return _report(case, judgement, evidence=evidence, times=times)


def _ledger(case: Case, spark: SparkSession) -> ledger.Ledger:
    location = case.folder.ledger_location(case.manifest)
    filesystem, path = open_location(location)
    return ledger.load(spark, location, read_ledger(filesystem, path, case.manifest.run_id))


def _fates(case: Case, found: ledger.Ledger, arrivals: DataFrame) -> DataFrame:
    return reconcile.fates(
        found.rows,
        arrivals,
        case.manifest.run_id,
        found.state.shapes,
        case.limits.late_after_ms,
    )


def _evidence(case: Case, state: LedgerState, arrivals: DataFrame, fates: DataFrame) -> Evidence:
    messages = tally.of_messages(arrivals, case.offsets, state.event_types)
    attempts = tally.of_fates(fates, state.event_types)
    return Evidence(
        by_event_type=tally.merged(attempts, messages.by_event_type),
        ledger=state,
        partitions=messages.partitions,
        start_offsets=case.manifest.start_offsets,
        log_start_offsets=case.end.log_start_offsets,
        topic=case.manifest.topic,
        cleanup_policy=case.manifest.cleanup_policy,
        cluster_id=case.manifest.cluster_id,
        topic_id=case.manifest.topic_id,
        seen=case.seen,
        timestamp_types=messages.timestamp_types,
    )


def _kept(frame: DataFrame, case: Case, name: str) -> DataFrame:
    """Write a table into the run's folder, aside first, and read it back from there."""
    target = case.folder.path.absolute() / name
    aside = target.with_name(f".{name}.tmp")
    frame.write.mode("overwrite").parquet(aside.as_uri())
    if target.exists():
        shutil.rmtree(target)
    aside.rename(target)
    reader = frame.sparkSession.read.schema(frame.schema).option("__globPaths__", "false")
    return reader.parquet(target.as_uri())


def _crashed(case: Case, reason: str) -> Report:
    return _report(case, Judgement(Verdict.INCONCLUSIVE, (reason,), ()))


def _report(
    case: Case,
    judgement: Judgement,
    *,
    evidence: Evidence | None = None,
    times: Distributions | None = None,
) -> Report:
    return Report(
        manifest=case.manifest,
        end=case.end,
        limits=case.limits,
        judgement=judgement,
        evidence=evidence,
        distributions=times or Distributions(),
        fates=case.folder.path / FATES_FOLDER if evidence else None,
        verified_at=datetime.now(UTC).isoformat(timespec="seconds"),
        versions={"headcount": case.manifest.headcount_version, "spark": pyspark.__version__},
    )


def _is_alive(spark: SparkSession) -> bool:
    try:
        return not spark.sparkContext._jsc.sc().isStopped()  # noqa: SLF001 - no public way to ask
    except (Py4JError, OSError, AttributeError):
        return False


def _told(error: Exception) -> str:
    """Give the first line that says something: of a Java stack trace, its innermost cause."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    causes = [line for line in lines if line.startswith("Caused by: ")]
    telling = causes[-1].removeprefix("Caused by: ") if causes else (lines or [repr(error)])[0]
    return telling[:500]
