"""`headcount follow`: judges a run that somebody else drives, and reconciles while it goes on."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
import pyarrow.fs as pafs

from headcount.cli.follower import Follower, following
from headcount.cli.judgement import Question, judge, limits_of
from headcount.cli.options import (
    Judging,
    found_run,
    with_brokers_of_run,
    with_json,
    with_judging,
    with_quiet,
    with_reports_dir,
)
from headcount.cli.result import show
from headcount.cli.stack import platform
from headcount.console import Console
from headcount.ledger import last_written_ns, open_location, unsealed
from headcount.run import RunFolder

POLL_S = 0.5
SILENT_AFTER_S = 60.0
"""A generator that has written nothing for so long is dead: it writes every few seconds."""

_EXAMPLES = """
\b
Examples:
  headcount follow reports/20261123-221530-k7qz
  headcount follow RUN --spark-master spark://spark:7077 --tables s3://bucket/tables
"""


@click.command(epilog=_EXAMPLES, context_settings={"max_content_width": 100})
@click.argument("run", type=click.Path(path_type=Path))
@with_brokers_of_run
@with_judging
@with_reports_dir
@with_json
@with_quiet
def follow(
    *,
    run: Path,
    bootstrap_servers: str | None,
    judging: Judging,
    reports_dir: Path,
    as_json: bool,
    quiet: bool,
) -> int:
    """Reconcile RUN while it is driven elsewhere, and judge it when its generators have sealed.

    RUN is a run's folder or its id. Ended before that and started again, it goes on where it was.
    A generator that has written nothing for a minute is taken for dead.
    """
    folder = found_run(run, reports_dir)
    limits_of(judging)
    manifest = folder.read_manifest()
    servers = bootstrap_servers or manifest.bootstrap_servers
    ready = platform(dict(os.environ), Console(quiet=quiet))
    with following(folder, judging, manifest.ledger, servers, ready) as follower:
        _await_end(folder, follower, ready.console)
        report = judge(Question(folder, judging, bootstrap_servers), ready, follower)
    show(report, folder, ready.console, as_json=as_json)
    return report.exit_code


def _await_end(folder: RunFolder, follower: Follower, console: Console) -> None:
    """Wait until every generator that has begun has sealed its ledger, or is dead."""
    location = open_location(folder.ledger_location(folder.read_manifest()))
    silence = _Silence(*location)
    with console.step(f"Following {folder.run_id}") as step:
        while folder.read_generators() is None or silence.is_broken(unsealed(*location)):
            step.update(follower.progress)
            time.sleep(POLL_S)
    if missing := unsealed(*location):
        names = ", ".join(map(str, missing))
        console.remark(f"Nothing was written for {SILENT_AFTER_S:g} s by generator {names}")


@dataclass(slots=True)
class _Silence:
    """Since when generators that have not sealed have written nothing, by the monotonic clock.

    Only that a file is another is looked at, for its time is of another host's clock.
    """

    filesystem: pafs.FileSystem
    location: str
    last_written_ns: dict[int, int] = field(default_factory=dict)
    since_s: dict[int, float] = field(default_factory=dict)

    def is_broken(self, generators: Sequence[int]) -> bool:
        """Tell whether any of the generators has written something lately."""
        return any(self._lasts_s(each) < SILENT_AFTER_S for each in generators)

    def _lasts_s(self, generator: int) -> float:
        written_ns = last_written_ns(self.filesystem, self.location, generator)
        if self.last_written_ns.get(generator) != written_ns:
            self.last_written_ns[generator] = written_ns
            self.since_s[generator] = time.monotonic()
        return time.monotonic() - self.since_s[generator]
