"""Listener errors: exceptions in the scenario's listeners, which Locust only logs.

Each error is recorded once per event, message and line. Workers report it to the master; the report
lists it beside the verdict.
"""

import logging
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from locust.env import Environment
from locust.event import EventHook
from locust.runners import WorkerRunner

from headcount.plugin.environment_state import state_of

PROBLEM = "headcount_problem"
"""The message with which a worker reports an error."""
MOST_PROBLEMS = 5
_LONGEST_ERROR = 200
_LOGGED_BY_LOCUST = "Uncaught exception in event handler"


def listen(environment: Environment) -> None:
    """Record listeners' errors from now on."""
    runner = environment.runner
    logging.getLogger().addHandler(_ErrorHandler(environment))
    if runner is not None and not isinstance(runner, WorkerRunner):
        runner.register_message(PROBLEM, _on_problem)


class _ErrorHandler(logging.Handler):
    """Takes the current exception when Locust logs that a listener raised it."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(logging.ERROR)
        self._environment = environment

    def emit(self, record: logging.LogRecord) -> None:
        if not str(record.msg).startswith(_LOGGED_BY_LOCUST):
            return
        _, error, trace = sys.exc_info()
        if error is not None and trace is not None:
            _record(self._environment, _described(self._environment, error, trace))


def _record(environment: Environment, problem: str) -> None:
    problems, runner = state_of(environment).problems, environment.runner
    if problem in problems or len(problems) >= MOST_PROBLEMS:
        return
    problems.append(problem)
    if isinstance(runner, WorkerRunner):
        runner.send_message(PROBLEM, {"text": problem})


def _on_problem(environment: Environment, msg: Any, **_: Any) -> None:
    _record(environment, str(msg.data["text"]))


def _described(environment: Environment, error: BaseException, trace: TracebackType) -> str:
    """Describe a listener's error; its traceback begins in the event hook that called it."""
    event = trace.tb_frame.f_locals.get("self")
    hooks = vars(environment.events).items()
    name = next((name for name, hook in hooks if hook is event), "")
    text = f"{type(error).__name__}: {error}".rstrip(": ")[:_LONGEST_ERROR]
    listener = f"a listener of Locust's {name}" if isinstance(event, EventHook) else "a listener"
    return f"{listener} raised {text}, at {_location(trace)}, and did not finish"


def _location(trace: TracebackType) -> str:
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno}"
