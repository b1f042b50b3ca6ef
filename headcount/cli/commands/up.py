"""`headcount up`: broker, service and Locust's web UI, in the foreground until Ctrl-C."""

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headcount.cli.locustfile import default_locustfile
from headcount.cli.options.groups import grouped_command
from headcount.cli.options.kafka_options import KafkaOptions, with_kafka_options
from headcount.cli.options.locust_options import BY_UP, refuse_decided, web_place
from headcount.cli.options.message_options import MessageOptions, with_message_options
from headcount.cli.options.output_options import made_folder, with_quiet, with_reports_dir
from headcount.cli.options.pass_through import PassThrough
from headcount.cli.options.target_options import TargetOptions, with_target_options
from headcount.cli.platform import Platform, platform
from headcount.console import Console
from headcount.gc_control import permanent_objects
from headcount.kafka_settings.config_file import FILE_VARIABLE
from headcount.stack.ports import LOOPBACK, free_port
from headcount.stack.process import Process, wait_until

if TYPE_CHECKING:
    from headcount.cli.local_stack import Target

WEB_PORT = 8089
POLL_S = 0.2
START_TIMEOUT_S = 90.0

_EXAMPLES = """
\b
Examples:
  headcount up                                   open the address that it prints, press Start
  headcount up locustfiles/sword_rush.py
  headcount up --host http://127.0.0.1:5000      your own service
  headcount up --secure                          a broker with TLS and a login, to try them out
"""


@grouped_command(cls=PassThrough, epilog=_EXAMPLES)
@click.argument(
    "locustfile",
    type=click.Path(path_type=Path, exists=True),
    default=default_locustfile,
)
@with_target_options
@with_kafka_options
@with_message_options
@with_reports_dir
@with_quiet
def up(
    *,
    locustfile: Path,
    extra: tuple[str, ...],
    target_options: TargetOptions,
    kafka_options: KafkaOptions,
    message_options: MessageOptions,
    reports_dir: Path,
    quiet: bool,
) -> None:
    """Keep broker, service and Locust's web UI running; each test that you start there is a run."""
    refuse_decided("up", extra, BY_UP)
    message_options.check({**os.environ, **kafka_options.environ})
    web = web_place(extra)
    # A mistaken option and --help need none of what carries out the command, which loads slowly.
    with permanent_objects():
        from headcount.cli.local_stack import start  # noqa: PLC0415
        from headcount.cli.locust_command import flat, up_command  # noqa: PLC0415

    folder = made_folder(reports_dir, "up")
    ready = platform({**os.environ, **kafka_options.environ}, Console(quiet=quiet))
    with contextlib.ExitStack() as stack:
        target = start(stack, target_options, kafka_options.settings, ready, folder)
        port = web.port or free_port(WEB_PORT)
        # Locust takes the last of a repeated option: the user's own, for the web UI.
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


def _client_file(target: "Target") -> str:
    path = target.kafka_environ.get(FILE_VARIABLE)
    return f", settings of clients in {path}" if path else ""


def _shown(host: str) -> str:
    """Return the host under which this machine reaches what listens on `host`."""
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
