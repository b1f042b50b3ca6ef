"""Judges a run: waits for its seals, records where the topic ends, lets Spark reconcile."""

import contextlib
import functools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from headcount_analysis.batches.expected import needs_headers
from headcount_analysis.follow.run_follower import forget
from headcount_analysis.formats.catalogue import format_in
from headcount_analysis.formats.message_format import MessageFormat
from headcount_analysis.ledger.run_ledger import ledger_parts, load_ledger
from headcount_analysis.pipeline.cache import RunCache
from headcount_analysis.pipeline.plan import VerificationPlan
from headcount_analysis.pipeline.tools import Tools
from headcount_analysis.pipeline.verify import verify
from headcount_analysis.read.settling_policy import Reach
from headcount_analysis.read.source import Kafka
from headcount_analysis.report.model import Report
from headcount_analysis.spark.config import SessionConfig
from headcount_analysis.spark.jvm import Jvm
from headcount_analysis.spark.session import begun_session, session_in
from pyspark import SparkContext

from headcount.cli.local_stack import start_broker
from headcount.cli.options.verify_options import VerifyOptions
from headcount.cli.platform import Platform
from headcount.cli.verifying.follower import Follower
from headcount.cli.verifying.spark_config import session_config, tables_of
from headcount.cli.verifying.topic_end import end_of_run, recording_in_time
from headcount.cli.verifying.topic_now import topic_now
from headcount.cli.verifying.verify_request import VerifyRequest, limits_of
from headcount.console import Console, Step
from headcount.errors import EvidenceError, PartError, UsageError
from headcount.kafka import cluster_metadata, topic
from headcount.kafka.cluster import Cluster
from headcount.ledger.location import open_location, unsealed
from headcount.ledger.reader import GeneratorLedger
from headcount.run.folder import RunFolder
from headcount.run.manifest import Manifest
from headcount.thresholds.grammar import Threshold, parse_all

SEAL_TIMEOUT_S = 10.0
POLL_S = 0.2


def judge(
    request: VerifyRequest,
    ready: Platform,
    follower: Follower | None = None,
    jvm: Jvm | None = None,
) -> Report:
    """Judge a run, and write its report. HeadcountError says why it cannot be judged.

    Args:
        request: The run, and how to judge it.
        ready: Java, its jars, the environment and the console.
        follower: The follower of the run, if it was followed.
        jvm: The JVM in which to start Spark, by default one of its own.
    """
    folder, console = request.folder, ready.console
    manifest = folder.read_manifest()
    folder.forget_verdict()
    _await_seals(folder, manifest, console)
    cache = _end_of_following(follower, console)
    # The attempts whose rows are written so far have been answered, so their events lie before the
    # end that is read next.
    parts = ledger_parts(folder, manifest, cache.ledger)
    # Spark takes seconds to start. Until then, do what does not need it.
    config = _spark_config(request, ready, manifest, parts)
    with (
        _spark(config, follower, jvm) as started,
        brokers(request, manifest, ready) as cluster,
    ):
        manifest = replace(manifest, bootstrap_servers=cluster.bootstrap_servers)
        reach, settling = end_of_run(request, cluster, manifest, parts, console)
        with recording_in_time(reach, settling):
            reach = replace(reach, parts=list(reach.parts or parts))
            plan = _plan(request, cluster, manifest, reach)
            message_format = _message_format(manifest, ready, follower)
            spark = _session(started, plan, cache, console)
            tools = _tools(plan, spark, cluster, message_format, request.verify_options)
            report = _reconcile(plan, replace(tools, settling=settling), cache, console)
    forget(folder)
    return report


def _spark_config(
    request: VerifyRequest,
    ready: Platform,
    manifest: Manifest,
    parts: Sequence[GeneratorLedger],
) -> Callable[[], SessionConfig]:
    """Return how to configure Spark for the number of attempts, if it has to be started."""
    return functools.partial(
        session_config,
        request.folder,
        request.verify_options,
        ready,
        events=_attempts(parts),
        ledger=manifest.ledger,
    )


def _message_format(
    manifest: Manifest, ready: Platform, follower: Follower | None
) -> MessageFormat:
    """Return the follower's format, which knows its schemas already, or else a new one."""
    followed = None if follower is None else follower.message_format
    return followed or format_in(manifest.format_settings, ready.environ)


def _plan(
    request: VerifyRequest, cluster: Cluster, manifest: Manifest, reach: Reach
) -> VerificationPlan:
    """Plan the judgement of a run up to an end of its topic."""
    folder, options = request.folder, request.verify_options
    return VerificationPlan(
        folder=folder,
        manifest=manifest,
        end=reach.end,
        parts=reach.parts,
        seen=topic_now(cluster, manifest),
        database=reach.database,
        limits=limits_of(options),
        thresholds=options.all_thresholds or _own_thresholds(folder, manifest),
    )


def _session(
    started: Callable[[], SparkContext], plan: VerificationPlan, cache: RunCache, console: Console
) -> SparkContext:
    """Wait until Spark has started, and load the ledger meanwhile."""
    load = functools.partial(
        load_ledger, plan.folder, plan.manifest, plan.parts or (), cache.ledger
    )
    with console.step("Starting Spark"), _ahead(load):
        return started()


def _tools(
    plan: VerificationPlan,
    spark: SparkContext,
    cluster: Cluster,
    message_format: MessageFormat,
    options: VerifyOptions,
) -> Tools:
    """Return the tools that read the run's topic from a cluster."""
    manifest = plan.manifest
    headers = needs_headers(manifest, message_format)
    return Tools(
        spark=spark,
        source=Kafka(spark, cluster, needs_headers=headers),
        message_format=message_format,
        tables=tables_of(plan.folder, manifest, options),
        is_empty=functools.partial(topic.is_empty, cluster, manifest.topic),
    )


def _reconcile(plan: VerificationPlan, tools: Tools, cache: RunCache, console: Console) -> Report:
    """Reconcile the ledger with the topic, and write the report."""
    # While Spark's workers start, there is time to load what the report needs.
    with (
        console.step("Reconciling the ledger with the topic") as step,
        _ahead(_warm_up_report),
    ):
        return verify(plan, replace(tools, progress=step.update), cache)


@contextlib.contextmanager
def _ahead(task: Callable[[], object]) -> Iterator[None]:
    """Run a task in a background thread to warm up; its errors recur in the foreground."""

    def do() -> None:
        with contextlib.suppress(Exception):
            task()

    # If the block raises, the thread is left behind.
    thread = threading.Thread(target=do, daemon=True)
    thread.start()
    yield
    thread.join()


def _warm_up_report() -> None:
    """Load the report's modules and the chart library, and do their one-time work."""
    from headcount_analysis.report.html.page import warm_up  # noqa: PLC0415

    warm_up()


def _end_of_following(follower: Follower | None, console: Console) -> RunCache:
    """Stop following and return what was read and compared; nothing without a follower."""
    if follower is None:
        return RunCache()
    with console.step("Stopping the follower"):
        cache = follower.finish()
    console.remark(f"Followed: {follower.progress or 'nothing'}")
    return cache


@contextlib.contextmanager
def _spark(
    config: Callable[[], SessionConfig], follower: Follower | None, jvm: Jvm | None
) -> Iterator[Callable[[], SparkContext]]:
    """Begin to start Spark, or reuse the follower's session if it is still alive."""
    session = None if follower is None else follower.spark
    if session is not None:
        yield lambda: session
        return
    with begun_session(config()) if jvm is None else session_in(jvm) as started:
        yield started


def _attempts(parts: Sequence[GeneratorLedger]) -> int:
    return sum(part.reserved if part.seal is None else part.seal.attempted for part in parts)


def _await_seals(folder: RunFolder, manifest: Manifest, console: Console) -> None:
    """Give generators that are still at work, perhaps on other hosts, time to seal."""
    filesystem, location = open_location(folder.ledger_location(manifest))
    deadline = time.monotonic() + SEAL_TIMEOUT_S
    with contextlib.ExitStack() as stack:
        step: Step | None = None
        while True:
            missing = unsealed(filesystem, location, folder.begun)
            if not missing or time.monotonic() >= deadline:
                return
            title = "Waiting for the generators to seal their ledgers"
            step = step or stack.enter_context(console.step(title))
            step.update(f"missing: {', '.join(map(str, missing))}")
            time.sleep(POLL_S)


@contextlib.contextmanager
def brokers(request: VerifyRequest, manifest: Manifest, ready: Platform) -> Iterator[Cluster]:
    """Yield the brokers that have the run's topic: running ones, or the run's own, restarted."""
    if request.bootstrap_servers is not None:
        yield Cluster(request.bootstrap_servers, request.kafka)
        return
    at_run = Cluster(manifest.bootstrap_servers, request.kafka)
    if manifest.broker_data is None or _answers(at_run, manifest):
        yield at_run
        return
    data_dir = (request.folder.path / manifest.broker_data).resolve()
    if not data_dir.is_relative_to(request.folder.path.parent.resolve()):
        # A manifest may come from anywhere, and a broker writes to its folder.
        raise EvidenceError(
            f"the run's broker data in {data_dir} is outside the reports folder: use "
            "--bootstrap-servers to name brokers that have the topic"
        )
    if not data_dir.is_dir():
        raise EvidenceError(
            f"the folder {data_dir} with the broker's data is gone: use "
            "--bootstrap-servers to name brokers that have the topic"
        )
    with start_broker(ready, data_dir) as broker:
        yield broker.cluster


def _own_thresholds(folder: RunFolder, manifest: Manifest) -> tuple[Threshold, ...]:
    """Return the thresholds that were set when the run began."""
    try:
        return parse_all(manifest.thresholds)
    except UsageError as error:
        raise EvidenceError(f"{folder.manifest_path} is damaged: {error}") from None


def _answers(cluster: Cluster, manifest: Manifest) -> bool:
    """Return whether the run's own cluster, and no other, answers at its old address.

    Returns soon if nothing listens there; waits for a slow cluster.
    """
    try:
        cluster_id = cluster_metadata.cluster_id(cluster, listening_within_s=2.0)
    except PartError:
        return False
    return cluster_id == manifest.cluster_id
