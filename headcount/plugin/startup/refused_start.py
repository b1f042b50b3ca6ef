"""Starts that are refused: each says why in one line, and leaves nothing running."""

import logging
import sys
from typing import NoReturn

import gevent
import psutil
from locust.env import Environment
from locust.runners import STATE_CLEANUP, STATE_STOPPING, WorkerRunner

from headcount.errors import HeadcountError, UsageError
from headcount.plugin.environment_state import state_of
from headcount.plugin.shutdown import sequence
from headcount.plugin.startup import recording

_log = logging.getLogger(__name__)


def exit_with(environment: Environment, error: HeadcountError) -> NoReturn:
    """End a headless Locust, and its workers, before the test has begun."""
    # Forked workers would try to reach their master for a minute.
    for child in psutil.Process().children():
        child.terminate()
    sys.stderr.write(f"headcount: {error}\n")
    state_of(environment).announced_code = error.exit_code
    sequence.give_up(environment, error)
    sys.exit(error.exit_code)


def end_start(environment: Environment, error: HeadcountError) -> NoReturn:
    """Report why the test cannot start, and end it; without a web UI, Locust ends as well."""
    runner = environment.runner
    assert runner is not None
    _log.error("headcount: %s", error)
    sequence.give_up(environment, error)
    if isinstance(runner, WorkerRunner):
        recording.report_failure(environment, error)
    else:
        runner.log_exception("headcount", str(error), "")
    gevent.spawn(runner.quit if environment.web_ui is None else runner.stop)
    # This ends the greenlet that starts the test. gevent prints a traceback of any other exception,
    # even of Locust's own StopTest.
    raise gevent.GreenletExit


def refuse_second_test(environment: Environment) -> None:
    """Raise UsageError for a second test of a headless run, once the first is over or stopping.

    A second test would be a second run, and only one of the two would be judged.
    """
    state, runner = state_of(environment), environment.runner
    assert runner is not None
    is_over = not state.prepared or runner.state in {STATE_CLEANUP, STATE_STOPPING}
    if environment.web_ui is not None or not state.has_run or not is_over:
        return
    raise UsageError(
        "the scenario starts a second test: headless Locust runs one test per run; to change the "
        "number of users, call runner.start() without runner.stop(), and for another test start "
        "another run"
    )
