"""`headcount follow`: reconciles a run that another process drives, and judges it."""

from pathlib import Path

from headcount.cli.options.groups import grouped_command
from headcount.cli.options.kafka_options import KafkaOptions, with_kafka_options
from headcount.cli.options.output_options import with_json, with_quiet, with_reports_dir
from headcount.cli.options.run_argument import find_run, with_brokers_of_run, with_run
from headcount.cli.options.verify_options import VerifyOptions, with_verify_options
from headcount.console import Console
from headcount.gc_control import permanent_objects

_EXAMPLES = """
\b
Examples:
  headcount follow reports/20261123-221530-k7qz
  headcount follow RUN --spark-master spark://spark:7077 --tables s3://bucket/tables
"""


@grouped_command(epilog=_EXAMPLES)
@with_run
@with_brokers_of_run
@with_kafka_options
@with_verify_options
@with_reports_dir
@with_json
@with_quiet
def follow(
    *,
    run: Path,
    bootstrap_servers: str | None,
    kafka_options: KafkaOptions,
    verify_options: VerifyOptions,
    reports_dir: Path,
    as_json: bool,
    quiet: bool,
) -> int:
    """Reconcile RUN while another process drives it, and judge it once its ledgers are sealed.

    RUN is a run's folder or its id. If this command is stopped and started again, it resumes where
    it stopped. A generator that has written nothing for a minute counts as dead.
    """
    folder = find_run(run, reports_dir)
    # Imported late because they load slowly: --help and a refused option do not need them.
    with permanent_objects():
        from headcount.cli.result import show  # noqa: PLC0415
        from headcount.cli.verifying.followed_run import followed_run  # noqa: PLC0415

    console = Console(quiet=quiet)
    report = followed_run(folder, verify_options, bootstrap_servers, kafka_options, console)
    show(report, folder, console, as_json=as_json)
    return report.exit_code
