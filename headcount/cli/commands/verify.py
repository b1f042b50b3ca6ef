"""`headcount verify`: judges a run, or judges it again."""

import os
from pathlib import Path

import click
from headcount_analysis.spark.jvm import begun_jvm

from headcount.cli.options.verify_options import (
    Judging,
    found_run,
    with_brokers_of_run,
    with_json,
    with_judging,
    with_quiet,
    with_reports_dir,
)
from headcount.cli.platform import platform
from headcount.cli.run_lock import turn
from headcount.cli.spark_config import session_config
from headcount.cli.verify_request import Question, limits_of
from headcount.console import Console
from headcount.run.folder import RunFolder
from headcount.run.manifest import Manifest

_EXAMPLES = """
\b
Examples:
  headcount verify reports/20261123-221530-k7qz
  headcount verify 20261123-221530-k7qz --until latest     count what arrived since
  headcount verify RUN --allow duplicated=2 --late-after 5000
"""


@click.command(epilog=_EXAMPLES, context_settings={"max_content_width": 100})
@click.argument("run", type=click.Path(path_type=Path))
@with_brokers_of_run
@click.option(
    "--until",
    type=click.Choice(["end", "latest"]),
    default="end",
    show_default=True,
    help="Read to where the topic ended after the run, or to where it ends now.",
)
@with_judging
@with_reports_dir
@with_json
@with_quiet
def verify(
    *,
    run: Path,
    bootstrap_servers: str | None,
    until: str,
    judging: Judging,
    reports_dir: Path,
    as_json: bool,
    quiet: bool,
) -> int:
    """Judge RUN, a run's folder or its id, by its ledger and its part of the topic."""
    folder = found_run(run, reports_dir)
    limits_of(judging)
    question = Question(folder, judging, bootstrap_servers, until_latest=until == "latest")
    ready = platform(dict(os.environ), Console(quiet=quiet))
    manifest = folder.read_manifest()
    with turn(folder, ready.console):
        folder.forget_verdict()
        events = _events(folder, manifest) if until == "end" else None
        config = session_config(folder, judging, ready, events=events, ledger=manifest.ledger)
        with begun_jvm(config) as jvm:
            # What judges takes long to load, in which the JVM can start.
            from headcount.cli.result import show  # noqa: PLC0415
            from headcount.cli.verification import judge  # noqa: PLC0415

            report = judge(question, ready, jvm=jvm)
    show(report, folder, ready.console, as_json=as_json)
    return report.exit_code


def _events(folder: RunFolder, manifest: Manifest) -> int | None:
    """Tell about how many events a run has; None where its end was not noted yet."""
    end = folder.read_end()
    if end is None:
        return None
    start = manifest.start_offsets
    return sum(offset - start.get(number, 0) for number, offset in end.end_offsets.items())
