"""A run from Python: the same as `headcount run`, in processes of its own."""

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from headcount.errors import HeadcountError, InterruptedRunError, PartError, UsageError
from headcount.run.ids import new_run_id
from headcount.stack.process import Process, error_lines
from headcount.testing.run_options import OptionValue, locust_arguments, run_arguments
from headcount.testing.run_verdict import RunVerdict, verdict_in

LONGEST_RUN_S = 24 * 3600.0

_VERDICT_CODES = frozenset({0, 1, 3, 4})
_ERRORS: dict[int, type[HeadcountError]] = {
    error.exit_code: error for error in (UsageError, PartError, InterruptedRunError)
}


def run(
    locustfile: str | Path,
    *,
    host: str | None = None,
    bootstrap_servers: str | None = None,
    topic: str | None = None,
    users: int | None = None,
    run_time: str | None = None,
    rate: str | None = None,
    thresholds: Sequence[str] = (),
    reports_dir: str | Path = "reports",
    options: Mapping[str, OptionValue] | None = None,
    locust_options: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
) -> RunVerdict:
    """Drive a scenario against a service, account for every request, and return the verdict.

    Args:
        locustfile: The scenario, as `headcount run` takes it.
        host: The service's URL; without one, the game, a demo service, is started.
        bootstrap_servers: The Kafka brokers; without them, a broker is started.
        topic: The topic that the service publishes to.
        users: The number of concurrent users.
        run_time: The duration, such as `30s`.
        rate: The arrival rate, such as `100/s`, in place of a fixed number of users.
        thresholds: Further pass criteria, such as `http.p99 < 300ms`.
        reports_dir: The folder with one folder for each run.
        options: Any other option of `headcount run`, by its name without hyphens in front, such as
            `{"id-at": "header:x-request-id", "allow": ["late=3"]}`. For one without a value, `True`
            sets it, and `False` stands for its negation, such as `--no-idempotence`.
        locust_options: Options of Locust, such as `("--tags", "checkout")`.
        environ: The whole environment; that of this process by default.

    Raises:
        UsageError: An option is invalid.
        PartError: A part could not start, or died.
        InterruptedRunError: The run was interrupted.
    """
    run_id = new_run_id()
    named: dict[str, OptionValue | None] = {
        "host": host,
        "bootstrap-servers": bootstrap_servers,
        "topic": topic,
        "users": users,
        "run-time": run_time,
        "rate": rate,
        "threshold": thresholds,
        "reports-dir": reports_dir,
    }
    arguments = [*run_arguments(named, options or {}), "--run-id", run_id]
    command = [*(sys.executable, "-m", "headcount", "run", str(locustfile)), *arguments]
    _finish(
        [*command, "--", *locust_arguments(locust_options)],
        os.environ if environ is None else environ,
    )
    return verdict_in(Path(reports_dir).absolute() / run_id)


def _finish(command: Sequence[str], environ: Mapping[str, str]) -> None:
    """Run a command to its end. HeadcountError if it ends without a verdict."""
    with tempfile.TemporaryDirectory(prefix="headcount-") as folder:
        log = Path(folder) / "run.log"
        with Process("headcount run", command, log_path=log, environ=environ) as process:
            code = process.wait(LONGEST_RUN_S)
        if code not in _VERDICT_CODES:
            reason = " / ".join(error_lines(log)).removeprefix("headcount: ")
            raise _ERRORS.get(code, PartError)(reason or f"headcount run ended with code {code}")
