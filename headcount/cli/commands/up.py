"""`headcount up`: broker, service and Locust's web UI, in the foreground until Ctrl-C."""

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
from click.core import ParameterSource

from headcount.cli.locustfile import default_locustfile
from headcount.cli.options.groups import OptionGroup, grouped_command, grouped_option
from headcount.cli.options.kafka_options import KafkaOptions, with_kafka_options
from headcount.cli.options.locust_options import BY_UP, refuse_decided, web_place
from headcount.cli.options.message_options import MessageOptions, with_message_options
from headcount.cli.options.output_options import made_folder, with_quiet, with_reports_dir
from headcount.cli.options.pass_through import PassThrough
from headcount.cli.options.target_options import (
    TargetOptions,
    with_topics_and_target_options,
)
from headcount.cli.platform import Platform, platform
from headcount.console import Console
from headcount.errors import UsageError
from headcount.gc_control import permanent_objects
from headcount.kafka_settings.config_file import FILE_VARIABLE
from headcount.stack.ports import LOOPBACK, free_port
from headcount.stack.process import Process, wait_until

if TYPE_CHECKING:
    from headcount.cli.local_stack import Target

WEB_PORT = 8089
POLL_S = 0.2
START_TIMEOUT_S = 90.0
_OF_BROKER = frozenset(
    {"broker_only", "topics", "partitions", "replication", "secure", "reports_dir", "quiet"}
)
"""The parameters that still apply if only a broker is started."""

_EXAMPLES = """
\b
Examples:
  headcount up                                   open the printed address and press Start
  headcount up locustfiles/sword_rush.py
  headcount up --host http://127.0.0.1:5000      your own service
  headcount up --secure                          a broker with TLS and a login, to try them out
  headcount up --broker-only --topic orders --topic payments
                                                 Kafka alone, for a service that you start yourself
"""


@grouped_command(cls=PassThrough, epilog=_EXAMPLES)
@click.argument(
    "locustfile",
    type=click.Path(path_type=Path, exists=True),
    default=default_locustfile,
)
@grouped_option(
    OptionGroup.KAFKA,
    "--broker-only",
    is_flag=True,
    help="Start a broker and nothing else; print its address.",
)
@with_topics_and_target_options
@with_kafka_options
@with_message_options
@with_reports_dir
@with_quiet
@click.pass_context
def up(
    ctx: click.Context,
    *,
    locustfile: Path,
    extra: tuple[str, ...],
    broker_only: bool,
    topics: tuple[str, ...],
    target_options: TargetOptions,
    kafka_options: KafkaOptions,
    message_options: MessageOptions,
    reports_dir: Path,
    quiet: bool,
) -> None:
    """Keep broker, service and Locust's web UI running; each test that you start there is a run."""
    if broker_only:
        _refuse_others(ctx, extra)
        _run_broker(target_options, topics, reports_dir, Console(quiet=quiet))
    if len(topics) > 1:
        raise UsageError(
            "a service publishes to one topic: pass only one --topic, or add --broker-only"
        )
    refuse_decided("up", extra, BY_UP)
    target_options.check()
    message_options.check({**os.environ, **kafka_options.environ})
    web = web_place(extra)
    # Imported late because they load slowly: --help and a refused option do not need them.
    with permanent_objects():
        from headcount.cli.local_stack import start  # noqa: PLC0415
        from headcount.cli.locust_command import flat, up_command  # noqa: PLC0415

    folder = made_folder(reports_dir, "up")
    ready = platform({**os.environ, **kafka_options.environ}, Console(quiet=quiet))
    with contextlib.ExitStack() as stack:
        target = start(stack, target_options, kafka_options.settings, ready, folder)
        port = web.port or free_port(WEB_PORT)
        # If an option is repeated, Locust takes the last value, so `extra` overrides the others.
        command = [
            *up_command(target_options, target, folder, os.environ),
            *flat({"--web-port": port, **message_options.of_locust, "-f": locustfile}),
            *extra,
        ]
        locust = _start_locust(command, port, folder, ready, target)
        stack.callback(locust.stop)
        ready.console.result(
            f"Web UI   {web.url(_shown(web.host), port)}\n"
            f"Service  {target.address}\n"
            f"Kafka    {target.cluster}, topic {target_options.topic}{_client_file(target)}\n"
            "Ctrl-C stops everything; the Delivery tab shows a test's progress and its verdict."
        )
        while True:
            locust.poll_or_raise()
            target.poll_or_raise()
            time.sleep(POLL_S)


def _refuse_others(ctx: click.Context, extra: tuple[str, ...]) -> None:
    """Refuse command-line options that do not concern the broker; those in a file are ignored."""
    for parameter in ctx.command.params:
        name = str(parameter.name)
        is_typed = ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if is_typed and name not in _OF_BROKER:
            shown = parameter.opts[0] if isinstance(parameter, click.Option) else name.upper()
            raise UsageError(f"--broker-only starts a broker and nothing else: leave {shown} out")
    if extra:
        raise UsageError(
            "--broker-only starts a broker and nothing else: leave out everything after --"
        )


def _run_broker(
    options: TargetOptions, topics: tuple[str, ...], reports_dir: Path, console: Console
) -> NoReturn:
    """Run a broker with topics until Ctrl-C."""
    with permanent_objects():
        from headcount.cli.local_stack import start_broker_only  # noqa: PLC0415

    folder = made_folder(reports_dir, "up")
    with contextlib.ExitStack() as stack:
        ready = platform(dict(os.environ), console)
        target = start_broker_only(stack, options, topics, ready, folder)
        console.result(
            f"Kafka    {target.cluster}{_client_file(target)}\n"
            f"Topics   {', '.join(topics)}\n"
            "Ctrl-C stops it."
        )
        while True:
            target.poll_or_raise()
            time.sleep(POLL_S)


def _client_file(target: "Target") -> str:
    path = target.kafka_environ.get(FILE_VARIABLE)
    return f", client settings in {path}" if path else ""


def _shown(host: str) -> str:
    """Return the host at which this machine can reach a server that listens on `host`."""
    return LOOPBACK if host in {"", "*", "0.0.0.0", "::"} else host  # noqa: S104 - only shown


def _start_locust(
    command: list[str], port: int, folder: Path, ready: Platform, target: "Target"
) -> Process:
    log = folder / "logs" / "locust.log"
    with ready.console.step("Starting Locust's web UI"):
        locust = Process(
            "Locust", command, log_path=log, environ={**ready.environ, **target.locust_environ}
        )
        try:
            wait_until(
                lambda: locust.listens_on(port), START_TIMEOUT_S, "Locust's web UI listens", locust
            )
        except BaseException:
            locust.stop()
            raise
        return locust
