"""Locust's exit code, computed as Locust does, and the reason for it."""

import logging
from collections.abc import Iterator

from locust import log
from locust.env import Environment
from locust.runners import Runner

from headcount.plugin.environment_state import state_of
from headcount.plugin.run_folder import folder_of
from headcount.run.locust_exit import Cause, LocustExit
from headcount.run.verdict import BROKEN_THRESHOLD

_LONGEST_REASON = 200
_log = logging.getLogger(__name__)


def code_of(environment: Environment) -> int:
    """Compute the exit code that Locust is about to exit with, as its `main` does."""
    code, runner, options = (
        environment.process_exit_code,
        environment.runner,
        environment.parsed_options,
    )
    assert options is not None
    if code is not None:
        return code if isinstance(code, int) else 1
    if runner is not None and (runner.errors or runner.exceptions):
        return int(options.exit_code_on_error)
    return 2 if log.unhandled_greenlet_exception else 0


def write_exit(environment: Environment, exit_code: int | None) -> None:
    """Record in the run's folder how Locust ended; if `exit_code` is None, Locust goes on."""
    cause, reason = _reason(environment, exit_code)
    state = state_of(environment)
    ended = LocustExit(exit_code, cause, reason, tuple(state.problems), dict(state.answers))
    try:
        folder_of(environment).write_locust_exit(ended)
    except OSError as error:
        _log.error("headcount: cannot record how Locust ended: %s", error)


def _reason(environment: Environment, exit_code: int | None) -> tuple[Cause, str]:
    """Return why Locust ends with an exit code."""
    state, runner = state_of(environment), environment.runner
    if exit_code is None:
        return Cause.NOTHING, ""
    if state.error is not None:
        return Cause.ERROR, str(state.error)
    if exit_code == 0:
        return Cause.NOTHING, ""
    if state.was_aborted and exit_code == BROKEN_THRESHOLD:
        return Cause.THRESHOLD, ""
    if environment.process_exit_code is not None:
        return Cause.OTHER, "a listener of the scenario set environment.process_exit_code"
    failures = [] if runner is None else list(_failures(runner))
    return Cause.OTHER, "; ".join(failures) or "an uncaught exception, see Locust's log"


def _failures(runner: Runner) -> Iterator[str]:
    """Describe the failures that --exit-code-on-error counts."""
    if runner.errors:
        count = sum(error.occurrences for error in runner.errors.values())
        first = max(runner.errors.values(), key=lambda error: error.occurrences)
        yield f"{count} requests failed, such as {first.to_name()[:_LONGEST_REASON]}"
    if runner.exceptions:
        count = sum(exception["count"] for exception in runner.exceptions.values())
        text = next(iter(runner.exceptions.values()))["msg"]
        yield f"{count} exceptions in tasks, such as {text[:_LONGEST_REASON]}"
