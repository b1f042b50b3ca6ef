"""`headcount run`: the whole of it, from starting the parts to the verdict."""

import contextlib
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click

from headcount.cli.judgement import Question, judge, limits_of
from headcount.cli.options import (
    Judging,
    PassThrough,
    TimeSpan,
    with_json,
    with_judging,
    with_quiet,
    with_reports_dir,
)
from headcount.cli.result import show
from headcount.cli.stack import BROKER_DATA, DATABASE, Platform, Target, Wish, platform, start
from headcount.cli.target_options import with_target
from headcount.console import Console
from headcount.errors import PartError, UsageError
from headcount.ids import is_run_id, new_run_id
from headcount.run import RunFolder
from headcount.stack.ports import LOOPBACK, free_port
from headcount.stack.process import Process
from headcount.stack.server import DATABASE_VARIABLE
from headcount.thresholds import SEPARATOR, Threshold
from headcount.verdict import BROKEN_THRESHOLD

POLL_S = 0.1
STOP_TIMEOUT_S = 30.0

_EXAMPLES = """
\b
Examples:
  headcount run                                      20 users for 30 s on parts of its own
  headcount run --users 50 --run-time 2m --seed 7    more, longer, and again the same
  headcount run --mix sword=9,guild=1                other weights
  headcount run locustfiles/sword_rush.py            another story
  headcount run locustfiles/player_life.py -- --mistakes 0.1
                                                     players with state, and their mistakes
  headcount run --host https://shop.test --bootstrap-servers kafka:9092 --topic orders
                                                     a service and brokers of yours
  headcount run -- --tags checkout                   any option of Locust's after --
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What Locust is told to do; `extra` are options of its own, as they stand."""

    locustfile: Path
    users: int
    spawn_rate: float | None
    run_time: str
    processes: int | None
    mix: str
    seed: int | None
    event_id_field: str
    extra: tuple[str, ...]


@click.command(cls=PassThrough, epilog=_EXAMPLES, context_settings={"max_content_width": 100})
@click.argument(
    "locustfile",
    type=click.Path(path_type=Path),
    default=Path("locustfiles/mixed.py"),
)
@click.option("-u", "--users", type=click.IntRange(min=1), default=20, show_default=True)
@click.option(
    "-r",
    "--spawn-rate",
    type=click.FloatRange(min=0, min_open=True),
    help="Users that come in a second.  [default: all at once]",
)
@click.option(
    "-t",
    "--run-time",
    type=TimeSpan(),
    default="30s",
    show_default=True,
    help="Such as 30s, 2m or 1h30m.",
)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    help="Generators, as processes of their own.  [default: one, in one process]",
)
@click.option("--mix", default="", help="Weights of the tasks, such as default=5,sword=3,guild=2.")
@click.option("--seed", type=int, help="Make the same requests again.  [default: a new one]")
@click.option("--run-id", default="", help="Small letters, digits and -.  [default: the time]")
@with_target
@with_judging
@with_reports_dir
@with_json
@with_quiet
def run(
    *,
    locustfile: Path,
    extra: tuple[str, ...],
    users: int,
    spawn_rate: float | None,
    run_time: str,
    processes: int | None,
    mix: str,
    seed: int | None,
    run_id: str,
    event_id_field: str,
    wish: Wish,
    judging: Judging,
    reports_dir: Path,
    as_json: bool,
    quiet: bool,
) -> int:
    """Drive LOCUSTFILE against the service, account for every request, and say the verdict."""
    load = Load(
        locustfile, users, spawn_rate, run_time, processes, mix, seed, event_id_field, extra
    )
    _check(load)
    limits_of(judging)  # a mistake in it is told before the load, not after
    folder = RunFolder(reports_dir.absolute() / _run_id(run_id))
    folder.create()
    environ = dict(os.environ)
    if judging.database_url is not None:
        environ[DATABASE_VARIABLE] = judging.database_url  # a service that is started has it, too
    ready = platform(environ, Console(quiet=quiet))
    with contextlib.ExitStack() as stack:
        target = start(stack, wish, ready, folder.path)
        command = _locust_command(load, target, wish, folder, judging.all_thresholds)
        _drive(load, command, target, folder, ready)
        question = Question(
            folder, judging, target.bootstrap_servers, database_url=target.database_url
        )
        report = judge(question, ready)
    show(report, folder, ready.console, as_json=as_json)
    return report.exit_code


def _check(load: Load) -> None:
    """See that the locustfile is one, before anything is started."""
    try:
        source = load.locustfile.read_bytes()
        compile(source, str(load.locustfile), "exec")
    except OSError as error:
        raise UsageError(
            f"cannot read the locustfile {load.locustfile}: {error.strerror}"
        ) from None
    except (SyntaxError, ValueError) as error:
        where = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        what = error.msg if isinstance(error, SyntaxError) else error
        raise UsageError(f"the locustfile {load.locustfile} is no Python{where}: {what}") from None


def _run_id(asked_for: str) -> str:
    run_id = asked_for or new_run_id()
    if not is_run_id(run_id):
        raise UsageError(
            f"--run-id must be small letters, digits and -, at most 40, got {run_id!r}"
        )
    return run_id


def _drive(
    load: Load, command: list[str], target: Target, folder: RunFolder, ready: Platform
) -> None:
    """Run Locust to its end. A part that dies meanwhile ends it, with PartError."""
    title = f"Load: {load.users} users for {load.run_time} on {target.host}"
    log = folder.logs / "locust.log"
    with ready.console.step(title) as step:
        locust = Process("Locust", command, log_path=log, environ=ready.environ)
        with contextlib.ExitStack() as stack:
            stack.callback(locust.stop, STOP_TIMEOUT_S)
            while (code := locust.returncode) is None:
                target.poll_or_raise()
                step.update(f"{step.elapsed_s:.0f} s")
                time.sleep(POLL_S)
            if code not in {0, BROKEN_THRESHOLD}:
                _explain(locust, code)


def _explain(locust: Process, code: int) -> None:
    """Raise what Locust's exit code stands for, with what it said last."""
    try:
        locust.poll_or_raise()
    except PartError as error:
        if code == UsageError.exit_code:
            raise UsageError(str(error)) from None
        raise


def _meeting_place() -> dict[str, object]:
    """Where a master and its workers meet: on this machine, at a port that no other run has."""
    port = free_port()
    return {
        "--master-bind-host": LOOPBACK,
        "--master-bind-port": port,
        "--master-host": LOOPBACK,
        "--master-port": port,
    }


def _locust_command(
    load: Load, target: Target, wish: Wish, folder: RunFolder, thresholds: Iterable[Threshold]
) -> list[str]:
    options = {
        "--locustfile": load.locustfile,
        "--users": load.users,
        "--spawn-rate": load.spawn_rate or load.users,
        "--run-time": load.run_time,
        "--processes": load.processes,
        "--mix": load.mix,
        "--seed": load.seed,
        "--host": target.host,
        "--bootstrap-servers": target.bootstrap_servers,
        "--topic": wish.topic,
        "--promise": wish.promised(os.environ),
        "--reports-dir": folder.path.parent,
        "--run-id": folder.run_id,
        "--event-id-field": load.event_id_field,
        "--thresholds": f"{SEPARATOR} ".join(each.text for each in thresholds),
        "--broker-data": BROKER_DATA if target.broker is not None else None,
        "--database-file": target.database_file and DATABASE,
        # Requests that fail are judged by what became of them, not by Locust.
        "--exit-code-on-error": 0,
        **(_meeting_place() if load.processes else {}),
    }
    given = [f"{name}={value}" for name, value in options.items() if value not in (None, "")]
    return [sys.executable, "-m", "locust", "--headless", "--only-summary", *given, *load.extra]
