"""The rounds: each kind of fault alone, and then all of them in one run.

A round generates a run, verifies it like any other, and compares the results. Rounds share a topic:
the messages of a round lie before the start offsets of the next, in whatever format they are.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pyspark import SparkContext

from headcount.kafka import cluster_metadata, topic
from headcount.kafka.cluster import Cluster
from headcount.run.folder import RunFolder
from headcount.run.id_form import RunIds
from headcount.run.ids import tag_of
from headcount.run.manifest import End, Generators, Manifest
from headcount.run.verdict import Verdict
from headcount_analysis.classes_and_flags import ATTEMPT_FATES, FLAGS, Fate
from headcount_analysis.pipeline.cache import RunCache
from headcount_analysis.pipeline.plan import VerificationPlan
from headcount_analysis.pipeline.table_places import ARRIVALS_FOLDER, FATES_FOLDER
from headcount_analysis.pipeline.tools import Tools
from headcount_analysis.pipeline.verify import verify
from headcount_analysis.report.model import Report
from headcount_analysis.selftest.expected_labels import ExpectedLabels
from headcount_analysis.selftest.faults import JOINED, Fault
from headcount_analysis.selftest.generate import Generation, write_run
from headcount_analysis.selftest.matrix import NOTHING, Injected, Matrix, read_matrix
from headcount_analysis.selftest.message_writer import MessageStyle, MessageWriter
from headcount_analysis.selftest.named_fields import misnamed
from headcount_analysis.selftest.plan import GENERATORS, Plan, make_plan
from headcount_analysis.selftest.publish import publisher

ALONE_EVENTS = 2_000
"""The maximum attempts of a round with one kind of fault; its time is mostly start-up."""

MIXED = "all together"
_LONGEST_NAME = 20
_FAILURES = frozenset({"lost", "duplicated", "ghost", "phantom", "corrupted", "garbled"})

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RoundContext:
    """What a round needs: a folder for runs, a Spark session, a broker and a topic."""

    reports: Path
    spark: SparkContext
    cluster: Cluster
    topic: str


@dataclass(frozen=True, slots=True)
class Size:
    """How many attempts a run with all faults has, how many of them get a fault, and a seed."""

    events: int
    faults: int
    seed: int


@dataclass(frozen=True, slots=True)
class Round:
    """The result of a round; `problems` are deviations in the verdict and its sums."""

    name: str
    injected: int
    matrix: Matrix
    problems: tuple[str, ...]

    @property
    def is_right(self) -> bool:
        """Whether every injected fault was reported correctly, and nothing else was reported."""
        return self.matrix.is_diagonal and not self.problems


def rounds(
    stage: RoundContext, size: Size, style: MessageStyle, progress: Progress
) -> Iterator[Round]:
    """Run a round for each kind of fault, then one with all kinds.

    Raises:
        UsageError: The messages cannot be written in this style.
        PartError: The broker, Spark or the schema registry failed.
        OSError: A run cannot be written.
    """
    alone = min(size.events, ALONE_EVENTS)
    for fault in _faults(style):
        plan = make_plan(_run_id(fault), alone, [fault], max(1, alone // 50), size.seed)
        yield _round(stage, plan, style, fault.value, progress)
    yield mixed_round(stage, size, style, MIXED, progress)


def mixed_round(
    stage: RoundContext, size: Size, style: MessageStyle, name: str, progress: Progress
) -> Round:
    """Run a round with all kinds of faults. Raises as `rounds` does."""
    plan = make_plan(_run_id(name), size.events, _faults(style), size.faults, size.seed)
    return _round(stage, plan, style, name, progress)


def _faults(style: MessageStyle) -> Sequence[Fault]:
    """Return the faults that messages in a style can have."""
    tag = tag_of(0)
    return ExpectedLabels(MessageWriter(style, RunIds(tag, style.ids.form))).faults


def _run_id(name: str) -> str:
    return "selftest-" + re.sub(r"[^a-z0-9]+", "-", name.lower())[:_LONGEST_NAME].strip("-")


def _round(
    stage: RoundContext, plan: Plan, style: MessageStyle, name: str, progress: Progress
) -> Round:
    folder = RunFolder(stage.reports / plan.run_id)
    folder.create()
    manifest = _manifest(stage, plan, style)
    folder.write_manifest(manifest)
    folder.write_generators(Generators(tuple(range(GENERATORS))))
    progress(f"{name}: writing {plan.events:,} events")
    location = folder.ledger_location(manifest)
    with publisher(stage.cluster.bootstrap_servers, stage.topic) as kafka:
        generation = Generation(plan, kafka.publish, dict(manifest.start_offsets), style)
        write_run(generation, location, kafka.settle)
    injected = Injected(plan, generation.expected, generation.unowned, generation.altered_fields)
    progress(f"{name}: verifying")
    verification = VerificationPlan(folder, manifest, _end(stage))
    report = verify(verification, Tools.of(verification, stage.spark), RunCache())
    if report.evidence is None:
        return Round(name, len(plan.faults), Matrix({}), report.reasons)
    matrix = read_matrix(injected, folder.path / FATES_FOLDER, folder.path / ARRIVALS_FOLDER)
    problems = (*_problems(report, matrix), *misnamed(injected.altered_fields, report.differences))
    return Round(name, len(plan.faults), matrix, problems)


def _manifest(stage: RoundContext, plan: Plan, style: MessageStyle) -> Manifest:
    described = topic.describe(stage.cluster, stage.topic)
    assert described is not None
    return Manifest(
        run_id=plan.run_id,
        created_at=_now(),
        headcount_version="selftest",
        scenario="selftest",
        host="",
        bootstrap_servers=stage.cluster.bootstrap_servers,
        cluster_id=cluster_metadata.cluster_id(stage.cluster),
        topic=stage.topic,
        topic_id=described.topic_id,
        cleanup_policy=described.cleanup_policy or "",
        start_offsets=topic.end_offsets(stage.cluster, stage.topic),
        tag=plan.tag,
        id_form=style.ids.form,
        id_header=style.ids.header,
        id_at=str(style.ids.location),
        message_format=style.format.name,
        compare_at=style.format.compare_at,
        schema_registry=style.format.schema_registry,
    )


def _end(stage: RoundContext) -> End:
    cluster, name = stage.cluster, stage.topic
    return End(topic.end_offsets(cluster, name), topic.beginning_offsets(cluster, name), _now())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _problems(report: Report, matrix: Matrix) -> Iterator[str]:
    """Compare the verdict and its sums with what was injected."""
    injected = _sums(matrix)
    expected = Verdict.FAIL if _FAILURES & injected.keys() else Verdict.PASS
    if report.verdict is not expected:
        yield f"the verdict is {report.verdict}, not {expected}: {'; '.join(report.reasons)}"
    counts = {} if report.counts is None else report.counts.as_dict()
    for key in (*ATTEMPT_FATES, Fate.PHANTOM, "foreign", "malformed", "garbled", *FLAGS):
        if counts.get(key) != injected.get(key, 0):
            yield f"counted {counts.get(key)} {key}, injected {injected.get(key, 0)}"


def _sums(matrix: Matrix) -> dict[str, int]:
    """Return the injected counts by class and flag."""
    sums: dict[str, int] = {}
    for (injected, _), count in matrix.cells.items():
        for name in injected.split(JOINED) if injected != NOTHING else ():
            sums[name] = sums.get(name, 0) + count
    if "garbled" in sums:
        sums["malformed"] = sums.get("malformed", 0) + sums["garbled"]
    return sums
