"""`headcount run`: a run from start to verdict."""

import os
from pathlib import Path

import click

from headcount.cli.locustfile import check_locustfiles, default_locustfile
from headcount.cli.options.groups import OptionGroup, grouped_command, grouped_option
from headcount.cli.options.kafka_options import KafkaOptions, with_kafka_options
from headcount.cli.options.load_options import LoadOptions, with_load_options
from headcount.cli.options.locust_options import BY_RUN, refuse_decided
from headcount.cli.options.message_options import MessageOptions, with_message_options
from headcount.cli.options.metrics_options import MetricsOptions, with_metrics_options
from headcount.cli.options.output_options import (
    with_json,
    with_ledger,
    with_quiet,
    with_reports_dir,
)
from headcount.cli.options.pass_through import PassThrough
from headcount.cli.options.target_options import TargetOptions, with_target_options
from headcount.cli.options.verify_options import CLASSES, VerifyOptions, with_verify_options
from headcount.console import Console
from headcount.gc_control import permanent_objects
from headcount.run.folder import RunFolder
from headcount.run.ids import run_id_of

_EXAMPLES = f"""
\b
Examples:
  headcount run                                      20 users for 30 s; starts Kafka and a service
  headcount run --users 50 --run-time 2m --seed 7    more, longer, and repeatable
  headcount run --rate 0/s..200/s:20s,200/s:1m       a rate that the service cannot slow down
  headcount run --mix sword=9,guild=1                other weights
  headcount run locustfiles/sword_rush.py            another scenario
  headcount run shop.py,refunds.py                   several; a folder means all its scenarios
  headcount run locustfiles/player_life.py -- --mistakes 0.1
                                                     players with state, and their mistakes
  headcount run --host https://shop.test --bootstrap-servers kafka:9092 --topic orders
                                                     your own service and brokers
  headcount run --run-time 8h --follow --spark-master spark://spark:7077
                                                     a verdict within seconds of the end
  headcount run --outcome 'json /status == "rejected" = failed'
                                                     a status of 200 that means failure
  headcount run -- --tags checkout                   any option of Locust, after --
{CLASSES}"""


@grouped_command(cls=PassThrough, epilog=_EXAMPLES)
@click.argument("locustfile", default=default_locustfile)
@with_load_options
@grouped_option(
    OptionGroup.JUDGING,
    "--follow",
    "is_followed",
    is_flag=True,
    help="Reconcile during the test; on this machine it competes with the load for CPU.",
)
@with_target_options
@with_kafka_options
@with_message_options
@with_verify_options
@grouped_option(
    OptionGroup.OUTPUT,
    "--run-id",
    default="",
    metavar="ID",
    show_default="date, time and four random characters",
    help="Id of the run.",
)
@with_ledger
@with_reports_dir
@with_metrics_options
@with_json
@with_quiet
def run(
    *,
    locustfile: str,
    extra: tuple[str, ...],
    load_options: LoadOptions,
    target_options: TargetOptions,
    kafka_options: KafkaOptions,
    message_options: MessageOptions,
    verify_options: VerifyOptions,
    metrics_options: MetricsOptions,
    is_followed: bool,
    run_id: str,
    ledger: str,
    reports_dir: Path,
    as_json: bool,
    quiet: bool,
) -> int:
    """Run LOCUSTFILE against the service, account for every request, and print the verdict.

    LOCUSTFILE is a file, a comma-separated list of files, a folder or a URL, as in Locust.
    """
    refuse_decided("run", extra, BY_RUN)
    load_options.check()
    target_options.check()
    message_options.check({**os.environ, **kafka_options.environ})
    metrics_options.check()
    check_locustfiles(locustfile)
    folder = RunFolder(reports_dir.absolute() / run_id_of(run_id))
    # Imported late because they load slowly: --help and a refused option do not need them.
    with permanent_objects():
        from headcount.cli.apprise_notification import (  # noqa: PLC0415
            notify_receivers,
            receivers_of,
        )
        from headcount.cli.judged_run import judged_run  # noqa: PLC0415
        from headcount.cli.locust_command import Load  # noqa: PLC0415
        from headcount.cli.notification import notify, webhook_url  # noqa: PLC0415
        from headcount.cli.result import show  # noqa: PLC0415

    webhook, receivers = webhook_url(os.environ), receivers_of(os.environ)
    load = Load(
        *(locustfile, load_options, target_options, message_options, verify_options),
        *(ledger, extra, metrics_options.request),
    )
    console = Console(quiet=quiet)
    report = judged_run(load, kafka_options, folder, console, is_followed=is_followed)
    show(report, folder, console, as_json=as_json)
    notify(webhook, folder, report.exit_code, console)
    notify_receivers(receivers, folder, console)
    return report.exit_code
