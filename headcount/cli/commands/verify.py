"""`headcount verify`: judges a run, or judges it again."""

import os
from pathlib import Path

import click
from headcount_analysis.spark.jvm import begun_jvm

from headcount.cli.options.groups import OptionGroup, grouped_command, grouped_option
from headcount.cli.options.kafka_options import KafkaOptions, with_kafka_options
from headcount.cli.options.output_options import with_json, with_quiet, with_reports_dir
from headcount.cli.options.run_options import find_run, with_brokers_of_run, with_run
from headcount.cli.options.verify_options import VerifyOptions, with_verify_options
from headcount.cli.platform import platform
from headcount.cli.verifying.run_lock import run_lock
from headcount.cli.verifying.spark_config import session_config
from headcount.cli.verifying.verify_request import VerifyRequest, limits_of
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


@grouped_command(epilog=_EXAMPLES)
@with_run
@with_brokers_of_run
@with_kafka_options
@grouped_option(
    OptionGroup.JUDGING,
    "--until",
    type=click.Choice(["end", "latest"]),
    default="end",
    show_default=True,
    help="Read to the end recorded after the run, or to the topic's current end.",
)
@with_verify_options
@with_reports_dir
@with_json
@with_quiet
def verify(
    *,
    run: Path,
    bootstrap_servers: str | None,
    kafka_options: KafkaOptions,
    until: str,
    verify_options: VerifyOptions,
    reports_dir: Path,
    as_json: bool,
    quiet: bool,
) -> int:
    """Judge RUN, a run's folder or its id, by its ledger and its part of the topic."""
    folder = find_run(run, reports_dir)
    limits_of(verify_options)
    request = VerifyRequest(
        folder,
        verify_options,
        bootstrap_servers,
        until_latest=until == "latest",
        kafka=kafka_options.settings,
    )
    ready = platform({**os.environ, **kafka_options.environ}, Console(quiet=quiet))
    manifest = folder.read_manifest()
    with run_lock(folder, ready.console):
        folder.forget_verdict()
        events = _events(folder, manifest) if until == "end" else None
        config = session_config(
            folder, verify_options, ready, events=events, ledger=manifest.ledger
        )
        with begun_jvm(config) as jvm:
            # These modules load slowly; the JVM starts meanwhile.
            from headcount.cli.result import show  # noqa: PLC0415
            from headcount.cli.verifying.verification import judge  # noqa: PLC0415

            report = judge(request, ready, jvm=jvm)
    show(report, folder, ready.console, as_json=as_json)
    return report.exit_code


def _events(folder: RunFolder, manifest: Manifest) -> int | None:
    """Estimate how many events a run has; None if its end was not recorded yet."""
    end = folder.read_end()
    if end is None:
        return None
    start = manifest.start_offsets
    return sum(offset - start.get(number, 0) for number, offset in end.end_offsets.items())
