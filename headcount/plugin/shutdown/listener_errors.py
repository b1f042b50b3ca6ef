"""What listeners of the scenario raise: Locust logs it and goes on, and nobody reads the log.

Each is noted once, by the event that it listens to, the error and its place. A worker tells its
master, which tells it beside the verdict.
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
"""The message by which a worker tells of one."""
MOST_PROBLEMS = 5
_LONGEST_ERROR = 200
_LOGGED_BY_LOCUST = "Uncaught exception in event handler"


def listen(environment: Environment) -> None:
    """Note what is raised from now on."""
    runner = environment.runner
    logging.getLogger().addHandler(_Listener(environment))
    if runner is not None and not isinstance(runner, WorkerRunner):
        runner.register_message(PROBLEM, _on_problem)


class _Listener(logging.Handler):
    """Looks at what is being handled when Locust logs that a listener raised it."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(logging.ERROR)
        self._environment = environment

    def emit(self, record: logging.LogRecord) -> None:
        if not str(record.msg).startswith(_LOGGED_BY_LOCUST):
            return
        _, error, trace = sys.exc_info()
        if error is not None and trace is not None:
            _note(self._environment, _described(self._environment, error, trace))


def _note(environment: Environment, problem: str) -> None:
    problems, runner = state_of(environment).problems, environment.runner
    if problem in problems or len(problems) >= MOST_PROBLEMS:
        return
    problems.append(problem)
    if isinstance(runner, WorkerRunner):
        runner.send_message(PROBLEM, {"text": problem})


def _on_problem(environment: Environment, msg: Any, **_: Any) -> None:
    _note(environment, str(msg.data["text"]))


def _described(environment: Environment, error: BaseException, trace: TracebackType) -> str:
    """Say what a listener raised; the first frame is that of the event."""
    event = trace.tb_frame.f_locals.get("self")
    hooks = vars(environment.events).items()
    name = next((name for name, hook in hooks if hook is event), "")
    text = f"{type(error).__name__}: {error}".rstrip(": ")[:_LONGEST_ERROR]
    listener = f"a listener of Locust's {name}" if isinstance(event, EventHook) else "a listener"
    return f"{listener} raised {text}, at {_place(trace)}: it did not do all that it was meant to"


def _place(trace: TracebackType) -> str:
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno}"
