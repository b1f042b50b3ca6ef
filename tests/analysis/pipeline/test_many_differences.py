"""Very many corrupted events: each is named exactly, and the driver holds none of them."""

import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
from headcount_analysis.pipeline.cache import RunCache
from headcount_analysis.pipeline.plan import VerificationPlan
from headcount_analysis.pipeline.tools import Tools
from headcount_analysis.pipeline.verify import verify
from headcount_analysis.report import exceptions_csv
from headcount_analysis.selftest.faults import Fault
from headcount_analysis.selftest.generate import Generation, write_run
from headcount_analysis.selftest.named_fields import misnamed
from headcount_analysis.selftest.plan import AttemptId, Plan, attempted
from headcount_analysis.selftest.publish import publisher
from pyspark.sql import SparkSession

from headcount.kafka.cluster import Cluster
from headcount.kafka.cluster_metadata import cluster_id
from headcount.kafka.topic import end_offsets
from headcount.run.manifest import End
from headcount.stack.broker import Broker
from tests.analysis.synthetic_run import RUN, RunHistory

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

EVENTS, SOUND_EVERY = 24_000, 6
CORRUPTED = 20_000
ALTERED = (Fault.ALTERED, Fault.DUPLICATED_ALTERED)
MOST_MIB = 12


def altered_plan() -> Plan:
    """Plan a run in which five of six events are altered, some of them in a later copy."""
    attempts: list[AttemptId] = [
        (generator, seq) for generator in range(2) for seq in range(attempted(EVENTS, generator))
    ]
    faults = {
        attempt: ALTERED[place % 5 == 0]
        for place, attempt in enumerate(attempts)
        if place % SOUND_EVERY
    }
    return Plan(RUN, RUN, EVENTS, faults)


def test_each_of_very_many_corrupted_events_is_named(
    tmp_path: Path, spark: SparkSession, broker: Broker, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All 20,000, with what was altered in each, and without one of them in the driver's memory."""
    # The rows of exceptions.csv are not what is measured.
    monkeypatch.setattr(exceptions_csv, "SORTED_UP_TO", 0)
    cluster, history = Cluster(broker.bootstrap_servers), RunHistory(tmp_path, spark)
    plan, start = altered_plan(), end_offsets(cluster, topic)
    assert len(plan.faults) == CORRUPTED
    (history.folder.path / "logs").mkdir(parents=True)
    with publisher(cluster.bootstrap_servers, topic) as kafka:
        generation = Generation(plan, kafka.publish, dict(start))
        write_run(generation, str(history.folder.path / "ledger"), kafka.settle)
    manifest = replace(
        history.manifest,
        bootstrap_servers=cluster.bootstrap_servers,
        cluster_id=cluster_id(cluster),
        topic=topic,
        start_offsets=start,
    )
    end = End(end_offsets(cluster, topic), start, "2023-11-14T22:14:00Z")
    verification = VerificationPlan(history.folder, manifest, end)
    steps: list[tuple[str, float, int]] = []

    def measure(step: str) -> None:
        steps.append((step, time.monotonic(), tracemalloc.get_traced_memory()[1]))
        tracemalloc.reset_peak()

    tools = replace(Tools.of(verification, spark.sparkContext), progress=measure)
    tracemalloc.start()
    try:
        report = verify(verification, tools, RunCache())
    finally:
        tracemalloc.stop()

    assert report.counts is not None
    assert report.counts.corrupted == CORRUPTED
    assert misnamed(generation.altered_fields, report.differences) == ()
    (place,) = (at for at, step in enumerate(steps) if step[0].startswith("naming"))
    assert steps[place + 1][2] < MOST_MIB << 20
    counts = report.differences.counts
    assert sum(counts.sets.values()) == counts.events == CORRUPTED
    assert counts.is_complete
