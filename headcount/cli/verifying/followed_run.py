"""A followed run: reconciles a run that another process drives, and judges it at its end."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow.fs as pafs
from headcount_analysis.report.model import Report

from headcount.cli.options.kafka_options import KafkaOptions
from headcount.cli.options.verify_options import VerifyOptions
from headcount.cli.platform import platform
from headcount.cli.verifying.follower import Follower, following
from headcount.cli.verifying.run_lock import run_lock
from headcount.cli.verifying.verification import judge
from headcount.cli.verifying.verify_request import VerifyRequest, limits_of
from headcount.console import Console
from headcount.kafka.cluster import Cluster
from headcount.kafka_settings import java
from headcount.ledger.location import open_location, traces, unsealed
from headcount.run.folder import RunFolder

POLL_S = 0.5
LOOK_EVERY_S = 5.0
"""The minimum time between two listings: a long run leaves many files."""

SILENT_AFTER_S = 60.0
"""A generator that has written nothing for this long counts as dead.

A live one writes every few seconds.
"""


def followed_run(
    folder: RunFolder,
    verify_options: VerifyOptions,
    bootstrap_servers: str | None,
    kafka_options: KafkaOptions,
    console: Console,
) -> Report:
    """Follow a run until its generators have sealed or are dead, then judge it.

    If `bootstrap_servers` is None, the brokers of the run are used. Raises HeadcountError.
    """
    limits_of(verify_options)  # a mistake in it is reported before the wait, not after
    java.check_supported(kafka_options.settings)
    manifest = folder.read_manifest()
    servers = bootstrap_servers or manifest.bootstrap_servers
    cluster = Cluster(servers, kafka_options.settings)
    ready = platform({**os.environ, **kafka_options.environ}, console)
    with (
        run_lock(folder, console),
        following(folder, verify_options, manifest.ledger, cluster, ready) as follower,
    ):
        _await_end(folder, follower, console)
        request = VerifyRequest(
            folder,
            verify_options,
            bootstrap_servers,
            saw_the_end=True,
            kafka=cluster.settings,
        )
        return judge(request, ready, follower)


def _await_end(folder: RunFolder, follower: Follower, console: Console) -> None:
    """Wait until every generator that has begun has sealed its ledger, or is dead."""
    location = open_location(folder.ledger_location(folder.read_manifest()))
    silence = _Silence(*location)
    with console.step(f"Following {folder.run_id}") as step:
        while folder.begun is None or silence.is_broken(_unsealed(folder, location)):
            step.update(follower.progress)
            time.sleep(POLL_S)
    if missing := _unsealed(folder, location):
        names = ", ".join(map(str, missing))
        console.remark(f"No news for {SILENT_AFTER_S:g} s from generator {names}: counted as dead")


def _unsealed(folder: RunFolder, location: tuple[pafs.FileSystem, str]) -> list[int]:
    return unsealed(*location, folder.begun)


class _Traces(NamedTuple):
    """The files of a generator, when they last changed, and when they were last listed."""

    files: frozenset[tuple[str, int, int]]
    since_s: float
    seen_s: float


@dataclass(slots=True)
class _Silence:
    """Measures how long generators have written nothing, by the monotonic clock.

    The times of files come from another host's clock, which may jump. So they only show whether a
    file has changed, not when.
    """

    filesystem: pafs.FileSystem
    location: str
    known: dict[int, _Traces] = field(default_factory=dict)

    def is_broken(self, generators: Sequence[int]) -> bool:
        """Return whether any of the generators has written something lately."""
        return any(self._silent_s(generator) < SILENT_AFTER_S for generator in generators)

    def _silent_s(self, generator: int) -> float:
        now_s, known = time.monotonic(), self.known.get(generator)
        if known is None or now_s >= known.seen_s + LOOK_EVERY_S:
            files = traces(self.filesystem, self.location, generator)
            since_s = known.since_s if known and known.files == files else now_s
            known = self.known[generator] = _Traces(files, since_s, now_s)
        return now_s - known.since_s
