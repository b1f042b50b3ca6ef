"""`headcount up`: broker, service and Locust's web UI, in the foreground until Ctrl-C."""

import contextlib
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import click

from headcount.cli.local_stack import BROKER_DATA, DATABASE, Target, Wish, start
from headcount.cli.locustfile import GENERATOR, default_locustfile
from headcount.cli.options.locust_options import BY_UP, refuse_decided, web_place
from headcount.cli.options.target_options import with_target
from headcount.cli.options.verify_options import PassThrough, with_quiet, with_reports_dir
from headcount.cli.platform import Platform, platform
from headcount.console import Console
from headcount.errors import UsageError
from headcount.run.ids import new_run_id
from headcount.stack.ports import LOOPBACK, free_port
from headcount.stack.process import Process, wait_until

WEB_PORT = 8089
POLL_S = 0.2
START_TIMEOUT_S = 90.0

_EXAMPLES = """
\b
Examples:
  headcount up                                   open the address that it prints, press Start
  headcount up locustfiles/sword_rush.py
  headcount up --host http://127.0.0.1:5000      a service of yours
"""


@click.command(cls=PassThrough, epilog=_EXAMPLES, context_settings={"max_content_width": 100})
@click.argument(
    "locustfile",
    type=click.Path(path_type=Path, exists=True),
    default=default_locustfile,
)
@with_target
@with_reports_dir
@with_quiet
def up(
    *,
    locustfile: Path,
    extra: tuple[str, ...],
    event_id_field: str,
    wish: Wish,
    reports_dir: Path,
    quiet: bool,
) -> None:
    """Keep broker, service and Locust's web UI running; each test from there is a run."""
    refuse_decided("up", extra, BY_UP)
    web = web_place(extra)
    folder = _folder(reports_dir)
    ready = platform(dict(os.environ), Console(quiet=quiet))
    with contextlib.ExitStack() as stack:
        target = start(stack, wish, ready, folder)
        port = web.port or free_port(WEB_PORT)
        options = {"--web-port": port, "--event-id-field": event_id_field, "-f": locustfile}
        # Of two Locust takes the last: what the user says of the web UI.
        command = [*_locust_command(wish, target, folder), *_flat(options), *extra]
        locust = _start_locust(command, port, folder, ready, target)
        stack.callback(locust.stop)
        ready.console.result(
            f"Web UI   {web.url(_shown(web.host), port)}\n"
            f"Service  {target.address}\n"
            f"Kafka    {target.bootstrap_servers}, topic {wish.topic}\n"
            "Ctrl-C stops all of it; the tab Delivery shows how a test fares, and its verdict."
        )
        while True:
            locust.poll_or_raise()
            target.poll_or_raise()
            time.sleep(POLL_S)


def _shown(host: str) -> str:
    """Give a host at which this machine finds what listens everywhere, or on a host."""
    return LOOPBACK if host in {"", "*", "0.0.0.0", "::"} else host  # noqa: S104 - only shown


def _folder(reports_dir: Path) -> Path:
    folder = reports_dir.absolute() / f"up-{new_run_id()}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise UsageError(f"cannot make {folder}: {error.strerror}; choose --reports-dir") from None
    return folder


def _start_locust(
    command: list[str], port: int, folder: Path, ready: Platform, target: Target
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


def _locust_command(wish: Wish, target: Target, folder: Path) -> list[str]:
    options = {
        "--web-host": LOOPBACK,
        "--master-bind-host": LOOPBACK,
        "--bootstrap-servers": target.bootstrap_servers,
        "--topic": wish.topic,
        "--promise": wish.promised(os.environ),
        "--reports-dir": folder.parent,
    }
    if target.broker is not None:
        options["--broker-data"] = f"../{folder.name}/{BROKER_DATA}"
    if target.database_file is not None:
        options["--database-file"] = f"../{folder.name}/{DATABASE}"
    return [sys.executable, "-m", GENERATOR, *_flat(options)]


def _flat(options: Mapping[str, object]) -> list[str]:
    return [str(part) for pair in options.items() for part in pair]
