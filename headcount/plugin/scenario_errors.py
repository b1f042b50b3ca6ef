"""Scenario errors: counted in the ledger's shortfall, because Locust only logs them."""

from types import TracebackType
from typing import Any

import gevent
from locust import TaskSet, User
from locust.exception import StopTest, StopUser

from headcount import scenario_location
from headcount.ledger.shortfall import Stage
from headcount.plugin.environment_state import state_of

_COUNTED = "_headcount_is_counted"


def on_user_error(
    user_instance: User | TaskSet, exception: BaseException, tb: TracebackType | None, **_: Any
) -> None:
    """Count an error that ended a task or `on_start`."""
    user = user_instance.user if isinstance(user_instance, TaskSet) else user_instance
    _count(user, exception, tb)


def count_errors_of(user: User, greenlet: "gevent.Greenlet[..., None]") -> None:
    """Count an error that ends a user, such as one of `on_stop`."""

    def count(ended: "gevent.Greenlet[..., None]") -> None:
        error = ended.exception
        if isinstance(error, Exception):
            _count(user, error, error.__traceback__)

    greenlet.link_exception(count)


def stop_exception(user: User | None) -> BaseException:
    """Return the exception to raise so that the user ends.

    In a greenlet that the scenario has started, it ends only this greenlet, without a traceback.
    """
    own = getattr(user, "greenlet", None)
    return StopUser() if own is None or own is gevent.getcurrent() else gevent.GreenletExit()


def _count(user: User, error: BaseException, trace: TracebackType | None) -> None:
    recorder = state_of(user.environment).recorder
    if recorder is None or isinstance(error, StopUser | StopTest) or hasattr(error, _COUNTED):
        return
    setattr(error, _COUNTED, True)  # Locust may raise the same error again
    where = scenario_location.of_traceback(trace)
    recorder.shortfall.add(_stage(trace), error, "" if where is None else where.line)


def _stage(trace: TracebackType | None) -> Stage:
    """Find the stage from the function that Locust's `User.run` called.

    That is `on_start`, `on_stop`, or the `run` of a task set, which runs the tasks.
    """
    while trace is not None:
        called = trace.tb_next
        if trace.tb_frame.f_code is User.run.__code__ and called is not None:
            name = called.tb_frame.f_code.co_name
            return Stage(name) if name in {Stage.ON_START, Stage.ON_STOP} else Stage.TASK
        trace = called
    return Stage.TASK
