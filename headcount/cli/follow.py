"""`headcount follow`: judges a run that somebody else drives, and reconciles while it goes on."""

import os
import time
from pathlib import Path

import click

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
from headcount.ledger import open_location, unsealed
from headcount.run import RunFolder

POLL_S = 0.5

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
    """Wait until every generator that has begun has sealed its ledger."""
    location = open_location(folder.ledger_location(folder.read_manifest()))
    with console.step(f"Following {folder.run_id}") as step:
        while folder.read_generators() is None or unsealed(*location):
            step.update(follower.progress)
            time.sleep(POLL_S)
