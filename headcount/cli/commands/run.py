"""`headcount run`: the whole of it, from starting the parts to the verdict."""

import contextlib
import os
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import click

from headcount.cli.follower import Follower, following
from headcount.cli.local_stack import BROKER_DATA, DATABASE, Target, Wish, start
from headcount.cli.locustfile import (
    GENERATOR,
    check_locustfiles,
    default_locustfile,
    last_word,
)
from headcount.cli.options.locust_options import BY_RUN, refuse_decided
from headcount.cli.options.target_options import with_target
from headcount.cli.options.verify_options import (
    Judging,
    PassThrough,
    TimeSpan,
    with_json,
    with_judging,
    with_ledger,
    with_quiet,
    with_reports_dir,
)
from headcount.cli.platform import Platform, platform
from headcount.cli.result import show
from headcount.cli.run_lock import turn
from headcount.cli.verification import judge
from headcount.cli.verify_request import Question, limits_of
from headcount.console import Console
from headcount.errors import PartError, UsageError
from headcount.ledger.location import open_location, unsealed
from headcount.open_model.rate import parse_rate
from headcount.open_model.schedule import Spacing
from headcount.open_model.scheduled_arrivals import all_arrivals
from headcount.run.folder import RunFolder
from headcount.run.ids import is_run_id, new_run_id
from headcount.run.locust_exit import Cause, LocustExit
from headcount.run.manifest import JUDGED_BY_PARENT
from headcount.run.outcome_rules import Rule, joined, split
from headcount.run.verdict import BROKEN_THRESHOLD
from headcount.stack.ports import LOOPBACK, free_port
from headcount.stack.process import Process
from headcount.stack.service import DATABASE_VARIABLE
from headcount.thresholds.grammar import SEPARATOR
from headcount.thresholds.metric_text import MetricError

POLL_S = 0.1
USERS, RUN_TIME = 20, "30s"
STOP_TIMEOUT_S = 30.0

_EXAMPLES = """
\b
Examples:
  headcount run                                      20 users for 30 s on parts of its own
  headcount run --users 50 --run-time 2m --seed 7    more, longer, and again the same
  headcount run --rate 0/s..200/s:20s,200/s:1m       a rate that the service cannot slow down
  headcount run --mix sword=9,guild=1                other weights
  headcount run locustfiles/sword_rush.py            another story
  headcount run shop.py,refunds.py                   several, or all of a folder
  headcount run locustfiles/player_life.py -- --mistakes 0.1
                                                     players with state, and their mistakes
  headcount run --host https://shop.test --bootstrap-servers kafka:9092 --topic orders
                                                     a service and brokers of yours
  headcount run --run-time 8h --follow --spark-master spark://spark:7077
                                                     a verdict within seconds of the end
  headcount run -- --tags checkout                   any option of Locust's after --
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What Locust is told to do; `extra` are options of its own, as they stand."""

    locustfile: str
    users: int | None
    spawn_rate: float | None
    run_time: str | None
    default_run_time: str | None
    processes: int | None
    mix: str
    seed: int | None
    event_id_field: str
    rate: str
    spacing: str
    max_in_flight: int | None
    ledger: str
    extra: tuple[str, ...]
    outcome_rules: tuple[Rule, ...] = ()

    def size(self, shape: str | None) -> str:
        """How much load it is, in words; `shape` is the locustfile's load shape, if it has one."""
        if shape is not None:
            most = f", for at most {self.run_time}" if self.run_time else ""
            return f"the shape {shape} of {self.locustfile} decides users and duration{most},"
        run_time = self.run_time or self.default_run_time
        much = f"a rate of {self.rate}" if self.rate else f"{self.users} users"
        return f"{much} for {run_time}" if run_time else much


def _outcome_rules(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[Rule, ...]:
    try:
        return tuple(rule for value in values for rule in split(value))
    except MetricError as error:
        raise click.BadParameter(str(error)) from None


@click.command(cls=PassThrough, epilog=_EXAMPLES, context_settings={"max_content_width": 100})
@click.argument("locustfile", default=default_locustfile)
@click.option(
    "-u",
    "--users",
    type=click.IntRange(min=1),
    help="[default: 20; with --rate, as many as begin in a second, 10 to 1,000]",
)
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
    help="Such as 30s, 2m or 1h30m; the most that a load shape may take.  [default: 30s; with a "
    "--rate that has an end, or a load shape, until then]",
)
@click.option(
    "--rate",
    default="",
    help="Begin so many tasks in a second, minute or hour, however long they take, such as 500/s "
    "or 0/s..500/s:1m,500/s:5m. Users do not wait then; they are the most that do one at once.",
)
@click.option(
    "--spacing",
    type=click.Choice([each.value for each in Spacing]),
    help="With --rate: evenly apart, or at random as independent users come.  [default: constant]",
)
@click.option(
    "--max-in-flight",
    type=click.IntRange(1, 1_000_000),
    help="With --rate: the most tasks at once.  [default: as many as users]",
)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    help="Generators, as processes of their own.  [default: one, in one process]",
)
@click.option("--mix", default="", help="Weights of the tasks, such as default=5,sword=3,guild=2.")
@click.option("--seed", type=int, help="Make the same requests again.  [default: a new one]")
@click.option("--run-id", default="", help="Small letters, digits and -.  [default: the time]")
@click.option(
    "--follow",
    "is_followed",
    is_flag=True,
    help="Reconcile while the test runs, so that the verdict comes soon after it, however long it "
    "took. Meant for a Spark elsewhere (--spark-master): on this machine it takes of the load's "
    "processors.",
)
@click.option(
    "--outcome",
    "outcome_rules",
    multiple=True,
    metavar="RULE",
    callback=_outcome_rules,
    help="What an answer stands for where its status does not say it, such as '202 = acked', "
    "'4xx = indeterminate' or 'json /status == \"rejected\" = failed'. Repeatable; the first that "
    "holds decides.",
)
@with_target
@with_judging
@with_ledger
@with_reports_dir
@with_json
@with_quiet
def run(
    *,
    locustfile: str,
    extra: tuple[str, ...],
    users: int | None,
    spawn_rate: float | None,
    run_time: str | None,
    rate: str,
    spacing: str | None,
    max_in_flight: int | None,
    processes: int | None,
    mix: str,
    seed: int | None,
    run_id: str,
    event_id_field: str,
    is_followed: bool,
    outcome_rules: tuple[Rule, ...],
    wish: Wish,
    judging: Judging,
    ledger: str,
    reports_dir: Path,
    as_json: bool,
    quiet: bool,
) -> int:
    """Drive LOCUSTFILE against the service, account for every request, and say the verdict.

    LOCUSTFILE is a file, several with commas between them, a folder or a URL, as Locust takes them.
    """
    refuse_decided("run", extra, BY_RUN)
    has_end = _check_rate(rate, spacing, max_in_flight)
    load = Load(
        locustfile,
        users if users or rate else USERS,
        spawn_rate,
        run_time,
        None if run_time or has_end else RUN_TIME,
        processes,
        mix,
        seed,
        event_id_field,
        rate,
        spacing or "",
        max_in_flight,
        ledger,
        extra,
        outcome_rules,
    )
    check_locustfiles(locustfile)
    limits_of(judging)  # a mistake in it is told before the load, not after
    folder = RunFolder(reports_dir.absolute() / _run_id(run_id))
    folder.create()
    environ = dict(os.environ)
    if judging.database_url is not None:
        environ[DATABASE_VARIABLE] = judging.database_url  # a service that is started has it, too
    ready = platform(environ, Console(quiet=quiet))
    with contextlib.ExitStack() as stack:
        stack.enter_context(turn(folder, ready.console))
        target = start(stack, wish, ready, folder.path)
        command = _locust_command(load, target, wish, folder, judging)
        follower = None
        if is_followed:
            servers = target.bootstrap_servers
            follower = stack.enter_context(following(folder, judging, ledger, servers, ready))
        _drive(load, command, target, folder, ready, follower=follower)
        question = Question(
            folder, judging, target.bootstrap_servers, database_url=target.database_url
        )
        report = judge(question, ready, follower)
    show(report, folder, ready.console, as_json=as_json)
    return report.exit_code


def _check_rate(rate: str, spacing: str | None, max_in_flight: int | None) -> bool:
    """Tell whether there is a rate, and it has an end. UsageError if it makes no sense."""
    if rate:
        return parse_rate(rate).duration_s is not None
    for name, value in (("--spacing", spacing), ("--max-in-flight", max_in_flight)):
        if value is not None:
            raise UsageError(f"{name} goes with --rate: add one, such as 100/s, or leave it out")
    return False


def _run_id(asked_for: str) -> str:
    run_id = asked_for or new_run_id()
    if not is_run_id(run_id):
        raise UsageError(
            f"--run-id must be small letters, digits and -, at most 40, got {run_id!r}"
        )
    return run_id


def _drive(
    load: Load,
    command: list[str],
    target: Target,
    folder: RunFolder,
    ready: Platform,
    *,
    follower: Follower | None,
) -> None:
    """Run Locust to its end. A part that dies meanwhile ends it, with PartError."""
    environ = {**ready.environ, **target.locust_environ, JUDGED_BY_PARENT: "1"}
    log = folder.logs / "locust.log"
    with contextlib.ExitStack() as stack:
        with ready.console.step("Starting Locust"):
            locust = Process("Locust", command, log_path=log, environ=environ)
            stack.callback(locust.stop, STOP_TIMEOUT_S)
            while not folder.manifest_path.is_file() and locust.returncode is None:
                target.poll_or_raise()
                time.sleep(POLL_S)
            if not folder.manifest_path.is_file():
                _explain(locust, locust.returncode or 0)
            shape = folder.read_manifest().options.get("shape")
        with ready.console.step(f"Load: {load.size(shape)} on {target.address}") as step:
            while (code := locust.returncode) is None:
                target.poll_or_raise()
                followed = follower.progress if follower is not None else ""
                step.update(", ".join(filter(None, (f"{step.elapsed_s:.0f} s", followed))))
                time.sleep(POLL_S)
            if code not in {0, BROKEN_THRESHOLD}:
                target.poll_or_raise()  # if it is over, that is why
                _note_exit(locust, code, folder)
    if load.rate:
        _tell_arrivals(folder, ready.console)


def _tell_arrivals(folder: RunFolder, console: Console) -> None:
    """Say what became of the arrivals of a rate, and where some were not made, even when quiet."""
    scheduled = folder.read_scheduled()
    due = {} if scheduled is None else scheduled.due
    location = open_location(folder.ledger_location(folder.read_manifest()))
    found = all_arrivals(*location, due)
    tell = console.error if found.dropped or found.lost else console.remark
    tell(
        f"Arrivals: {found.due:,} due, {found.started:,} started, {found.dropped:,} dropped, "
        f"{found.lost:,} lost with a generator"
    )


def _note_exit(locust: Process, code: int, folder: RunFolder) -> None:
    """Note how Locust ended, for the judgement. Raise that if there is nothing to judge."""
    if not _has_seal(folder):
        _explain(locust, code)
    noted = folder.read_locust_exit() or LocustExit(None)
    if noted.exit_code != code:
        cause = Cause.OTHER if code > 0 else Cause.ERROR
        ended = replace(noted, exit_code=code, cause=cause, reason=locust.last_words)
        folder.write_locust_exit(ended)


def _has_seal(folder: RunFolder) -> bool:
    """Tell whether there is a ledger to judge the run by."""
    if not folder.manifest_path.is_file():
        return False
    location = open_location(folder.ledger_location(folder.read_manifest()))
    begun = folder.begun or ()
    return not set(begun).issubset(unsealed(*location, begun))


def _explain(locust: Process, code: int) -> None:
    """Raise what Locust's exit code stands for, with what it said last."""
    try:
        locust.poll_or_raise()
    except PartError as error:
        if code == UsageError.exit_code:
            raise UsageError(last_word(locust.log_path) or str(error)) from None
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
    load: Load, target: Target, wish: Wish, folder: RunFolder, judging: Judging
) -> list[str]:
    options = {
        "--locustfile": load.locustfile,
        "--users": load.users,
        "--spawn-rate": load.spawn_rate or load.users,
        "--rate": load.rate,
        "--spacing": load.spacing,
        "--max-in-flight": load.max_in_flight,
        "--run-time": load.run_time,
        "--default-run-time": load.default_run_time,
        "--processes": load.processes,
        "--mix": load.mix,
        "--seed": load.seed,
        "--bootstrap-servers": target.bootstrap_servers,
        "--topic": wish.topic,
        "--promise": wish.promised(os.environ),
        "--reports-dir": folder.path.parent,
        "--ledger": load.ledger,
        "--run-id": folder.run_id,
        "--event-id-field": load.event_id_field,
        "--thresholds": f"{SEPARATOR} ".join(each.text for each in judging.all_thresholds),
        **judging.waits,
        "--outcome": joined(load.outcome_rules),
        "--broker-data": BROKER_DATA if target.broker is not None else None,
        "--database-file": target.database_file and DATABASE,
        # Requests that fail are judged by what became of them, not by Locust.
        "--exit-code-on-error": 0,
        **(_meeting_place() if load.processes else {}),
    }
    given = [f"{name}={value}" for name, value in options.items() if value not in (None, "")]
    return [sys.executable, "-m", GENERATOR, "--headless", "--only-summary", *given, *load.extra]
