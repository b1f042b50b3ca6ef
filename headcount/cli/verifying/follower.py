"""Follows a run: Spark reconciles in a background thread while the test runs."""

import contextlib
import functools
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from headcount_analysis.batches.expected import needs_headers
from headcount_analysis.follow import topic_stream
from headcount_analysis.follow.run_follower import RunFollower, follow
from headcount_analysis.formats.catalogue import format_in
from headcount_analysis.formats.message_format import MessageFormat
from headcount_analysis.pipeline.cache import RunCache
from headcount_analysis.spark.session import is_alive, open_session, sql
from pyspark import SparkContext
from pyspark.sql.streaming.query import StreamingQuery

from headcount.cli.options.verify_options import VerifyOptions
from headcount.cli.platform import Platform
from headcount.cli.verifying.spark_config import session_config, tables_of
from headcount.errors import PartError
from headcount.kafka import topic
from headcount.kafka.cluster import Cluster
from headcount.run.folder import RunFolder
from headcount.run.manifest import Manifest

ADVANCE_EVERY_S = 2.0
MOST_STARTS = 5
"""After this many starts of Spark without progress, the rest is left to the judgement."""


@dataclass(slots=True)
class Follower:
    """Follows a run as soon as it has begun; starts Spark again if it dies.

    The Spark session stays open for the judgement, until `close`.
    """

    folder: RunFolder
    verify_options: VerifyOptions
    ledger: str
    cluster: Cluster
    ready: Platform
    spark: SparkContext | None = None
    _follower: RunFollower | None = None
    _over: threading.Event = field(default_factory=threading.Event)
    _idle: threading.Event = field(default_factory=threading.Event)
    _closed: threading.Event = field(default_factory=threading.Event)

    @property
    def progress(self) -> str:
        """The progress as text; empty until the run has begun."""
        if self._follower is None:
            return ""
        return f"{self._follower.messages:,} messages, {self._follower.blocks:,} blocks compared"

    @property
    def message_format(self) -> MessageFormat | None:
        """The format in which messages were read; None if the run was never followed."""
        return None if self._follower is None else self._follower.message_format

    def finish(self) -> RunCache:
        """Stop following and return the cache; an empty one if the run was never followed."""
        self._over.set()
        self._idle.wait()
        return RunCache() if self._follower is None else self._follower.end()

    def close(self) -> None:
        """Stop following, and let Spark end."""
        self._over.set()
        self._closed.set()

    def work(self) -> None:
        """Follow until `finish`, then keep Spark until `close`."""
        try:
            self._work()
        finally:
            self._idle.set()

    def _work(self) -> None:
        starts, previous = 0, 0
        while not self._over.is_set() and starts < MOST_STARTS:
            try:
                self._start()
            except Exception as error:  # noqa: BLE001 - the judgement does without it
                messages = 0 if self._follower is None else self._follower.messages
                starts, previous = (starts + 1 if messages == previous else 1), messages
                self._report(error, is_last=starts == MOST_STARTS)
            finally:
                self.spark = None

    def _start(self) -> None:
        config = session_config(self.folder, self.verify_options, self.ready, ledger=self.ledger)
        with open_session(config) as spark:
            try:
                self._follow(spark)
            except Exception as error:  # noqa: BLE001 - any error, as text
                # An error of Spark can be formatted only while its JVM is alive.
                is_dead = not is_alive(spark)
                reason = f"it died; its log is {config.log_file}" if is_dead else _first_line(error)
                raise PartError(reason) from None
            self.spark = spark
            self._idle.set()
            self._closed.wait()

    def _follow(self, spark: SparkContext) -> None:
        if self._follower is None:
            self._follower = self._begin()
        if self._follower is None:
            return
        follower = self._follower
        query = topic_stream.begin(
            sql(spark),
            self.cluster,
            follower.manifest,
            follower.take,
            follower.checkpoint,
            with_headers=needs_headers(follower.manifest, follower.message_format),
        )
        try:
            while not self._over.wait(ADVANCE_EVERY_S):
                _check(query)
                follower.advance(spark)
            follower.end()
        finally:
            query.stop()

    def _begin(self) -> RunFollower | None:
        """Wait until the run has begun; None if `finish` comes first."""
        while not self.folder.manifest_path.exists():
            if self._over.wait(ADVANCE_EVERY_S / 4):
                return None
        manifest = self.folder.read_manifest()
        tables = tables_of(self.folder, manifest, self.verify_options)
        message_format = format_in(manifest.format_settings, self.ready.environ)
        late_after_ms = self.verify_options.late_after_ms
        follower = follow(self.folder, manifest, late_after_ms, tables, message_format)
        follower.leader_epochs = functools.partial(_leader_epochs, self.cluster, manifest)
        return follower

    def _report(self, error: Exception, *, is_last: bool) -> None:
        then = (
            "the rest will be reconciled when the run is over" if is_last else "starting it again"
        )
        self.ready.console.remark(f"Spark stopped following ({_first_line(error)}): {then}")


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200]


def _check(query: StreamingQuery) -> None:
    """Raise PartError if the stream has ended."""
    error = query.exception()
    if error is not None:
        raise PartError(str(error))
    if not query.isActive:
        raise PartError("its stream ended")


def _leader_epochs(cluster: Cluster, manifest: Manifest) -> Mapping[int, int]:
    """Return the known leader epochs; partitions without one are read again at the end."""
    try:
        description = topic.describe(cluster, manifest.topic)
    except PartError:
        return {}
    return {} if description is None else description.leader_epochs


@contextlib.contextmanager
def following(
    folder: RunFolder,
    verify_options: VerifyOptions,
    ledger: str,
    cluster: Cluster,
    ready: Platform,
) -> Iterator[Follower]:
    """Follow a run until the block ends."""
    follower = Follower(folder, verify_options, ledger, cluster, ready)
    thread = threading.Thread(target=follower.work, name="follower")
    thread.start()
    try:
        yield follower
    finally:
        follower.close()
        thread.join()
