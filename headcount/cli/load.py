"""Drives the load of a run: starts Locust, watches the parts, reports how Locust ended."""

import contextlib
import time
from dataclasses import replace

from headcount.cli.local_stack import Target
from headcount.cli.locust_command import Load, run_command
from headcount.cli.locustfile import last_error
from headcount.cli.platform import Platform
from headcount.cli.seals import has_seal
from headcount.cli.verifying.follower import Follower
from headcount.console import Console
from headcount.errors import PartError, UsageError
from headcount.ledger.location import open_location
from headcount.monitor.display.load_progress import ProgressFile
from headcount.open_model.arrival_counts import all_arrivals
from headcount.run.folder import RunFolder
from headcount.run.locust_exit import Cause, LocustExit
from headcount.run.manifest import JUDGED_BY_PARENT
from headcount.run.verdict import BROKEN_THRESHOLD
from headcount.stack.process import Process

POLL_S = 0.1
STOP_TIMEOUT_S = 30.0


def drive(
    load: Load, target: Target, folder: RunFolder, ready: Platform, follower: Follower | None
) -> None:
    """Run Locust to its end.

    Raises:
        UsageError: Locust refused the scenario or an option.
        PartError: A part died, or Locust ended without a ledger that can be judged.
    """
    environ = {**ready.environ, **target.locust_environ, JUDGED_BY_PARENT: "1"}
    log, progress = folder.logs / "locust.log", ProgressFile(folder.logs / "progress.json")
    progress_path = progress.path if ready.console.shows_progress else None
    command = run_command(load, target, folder, ready.environ, progress_path)
    with contextlib.ExitStack() as stack:
        stack.callback(progress.remove)
        with ready.console.step("Starting Locust"):
            locust = Process("Locust", command, log_path=log, environ=environ)
            stack.callback(locust.stop, STOP_TIMEOUT_S)
            _await_manifest(locust, target, folder)
            shape = folder.read_manifest().options.get("shape")
        size, length_s = load.options.size(load.locustfile, shape), load.options.length_s(shape)
        with ready.console.step(f"Load: {size} on {target.address}", "Load") as step:
            while (code := locust.returncode) is None:
                target.poll_or_raise()
                followed = "" if follower is None else follower.progress
                if ready.console.shows_progress:
                    elapsed = _elapsed(step.elapsed_s, length_s)
                    step.update(_joined(elapsed, str(progress.read() or ""), followed))
                elif followed:
                    step.update(_joined(_elapsed(step.elapsed_s, length_s), followed))
                time.sleep(POLL_S)
            if code not in {0, BROKEN_THRESHOLD}:
                target.poll_or_raise()  # if a part died, that is the cause
                _record_exit(locust, code, folder)
    if load.options.rate:
        _report_arrivals(folder, ready.console)


def _elapsed(elapsed_s: float, length_s: float | None) -> str:
    """Format how long the load has run, such as `12/30 s`."""
    if length_s is None:
        return f"{elapsed_s:,.0f} s"
    return f"{min(elapsed_s, length_s):,.0f}/{length_s:,.0f} s"


def _joined(*parts: str) -> str:
    return " · ".join(filter(None, parts))


def _await_manifest(locust: Process, target: Target, folder: RunFolder) -> None:
    """Wait until the plugin has written the manifest. Raise Locust's error if it never does."""
    while not folder.manifest_path.is_file() and locust.returncode is None:
        target.poll_or_raise()
        time.sleep(POLL_S)
    if not folder.manifest_path.is_file():
        _raise_exit(locust, locust.returncode or 0)


def _report_arrivals(folder: RunFolder, console: Console) -> None:
    """Report what became of a rate's arrivals; with --quiet, only if some did not start."""
    scheduled = folder.read_scheduled()
    due = {} if scheduled is None else scheduled.due
    location = open_location(folder.ledger_location(folder.read_manifest()))
    arrivals = all_arrivals(*location, due)
    report = console.error if arrivals.dropped or arrivals.lost else console.remark
    report(
        f"Arrivals: {arrivals.due:,} due, {arrivals.started:,} started, "
        f"{arrivals.dropped:,} dropped, {arrivals.lost:,} lost because a generator died"
    )


def _record_exit(locust: Process, code: int, folder: RunFolder) -> None:
    """Record for the judgement how Locust ended. Raise its error if there is nothing to judge."""
    if not has_seal(folder):
        _raise_exit(locust, code)
    recorded = folder.read_locust_exit() or LocustExit(None)
    if recorded.exit_code != code:
        cause = Cause.OTHER if code > 0 else Cause.ERROR
        ended = replace(recorded, exit_code=code, cause=cause, reason=locust.log_summary)
        folder.write_locust_exit(ended)


def _raise_exit(locust: Process, code: int) -> None:
    """Raise the error that matches Locust's exit code, with the plugin's last logged error."""
    try:
        locust.poll_or_raise()
    except PartError as error:
        reason = last_error(locust.log_path)
        if code == UsageError.exit_code:
            raise UsageError(reason or str(error)) from None
        if code == PartError.exit_code and reason:
            raise PartError(f"{reason} (log: {locust.log_path})") from None
        raise
