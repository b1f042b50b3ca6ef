"""`headcount verify`: judges a run, or judges it again."""

from pathlib import Path

import click

from headcount.cli.options.groups import OptionGroup, grouped_command, grouped_option
from headcount.cli.options.kafka_options import KafkaOptions, with_kafka_options
from headcount.cli.options.output_options import with_json, with_quiet, with_reports_dir
from headcount.cli.options.run_argument import find_run, with_brokers_of_run, with_run
from headcount.cli.options.verify_options import VerifyOptions, with_verify_options
from headcount.console import Console
from headcount.gc_control import permanent_objects

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
    """Judge RUN by its ledger and its part of the topic. RUN is a run's folder or its id."""
    folder = find_run(run, reports_dir)
    # Imported late because they load slowly: --help and a refused option do not need them.
    with permanent_objects():
        from headcount.cli.verifying.verified_run import verified_run  # noqa: PLC0415

    console, until_latest = Console(quiet=quiet), until == "latest"
    report = verified_run(
        folder,
        verify_options,
        bootstrap_servers,
        kafka_options,
        console,
        until_latest=until_latest,
    )
    # This takes no time now: `verified_run` has loaded the slow imports while the JVM started.
    from headcount.cli.result import show  # noqa: PLC0415

    show(report, folder, console, as_json=as_json, has_read_on=until_latest)
    return report.exit_code
