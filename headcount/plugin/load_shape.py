"""Load shapes: a base class for those that keep to `--users` and `--run-time`, and their end.

Locust lets a shape go on for as long as it likes, and whoever stops the test from outside of it
stops it twice. So a shape is ended by what it says itself: its tick is None once it is to end.
"""

import time
from typing import Any

import gevent
from locust import LoadTestShape
from locust.env import Environment
from locust.runners import STATE_INIT, STATE_RUNNING, STATE_SPAWNING, Runner

DEFAULT_USERS, DEFAULT_RUN_TIME_S = 20, 30
GRACE_S = 3.0
"""How long a shape may take to notice that it is to end: it is asked once a second."""
POLL_S = 0.1
_UNDER_WAY = (STATE_INIT, STATE_SPAWNING, STATE_RUNNING)


class PlannedShape(LoadTestShape):
    """A shape that says, for each second of the run, how many of the users are there.

    Subclasses set `abstract = False` and define `users_at`.
    """

    abstract = True
    use_common_options = True

    def users_at(self, now_s: float, users: int, run_time_s: float) -> int:
        """Tell how many of `users` are there `now_s` seconds into the run."""
        raise NotImplementedError

    def tick(self) -> tuple[int, float] | None:
        """Answer Locust: users now, and how many may come in a second; None when it is over."""
        assert self.runner is not None
        options = self.runner.environment.parsed_options
        users = getattr(options, "num_users", None) or DEFAULT_USERS
        run_time_s = float(getattr(options, "run_time", None) or DEFAULT_RUN_TIME_S)
        now_s: float = self.get_run_time()  # type: ignore[no-untyped-call]
        if now_s >= run_time_s:
            return None
        return max(1, self.users_at(now_s, users, run_time_s)), users


class BoundShape:
    """A shape of the scenario's that ends with the run time, or when it is told to."""

    def __init__(self, shape: Any, runner: Runner, run_time_s: float | None) -> None:
        self._tick, self._runner, self._run_time_s = shape.tick, runner, run_time_s
        self._began_s: float | None = None
        self._is_to_end = False
        shape.tick = self.tick

    def tick(self) -> Any:
        """Answer Locust as the shape does, and with None when it is over."""
        now_s = time.monotonic()
        if self._began_s is None:
            self._began_s = now_s
            if self._run_time_s is not None:
                gevent.spawn_later(self._run_time_s + GRACE_S, self.end)
        is_over = self._run_time_s is not None and now_s - self._began_s >= self._run_time_s
        return None if is_over or self._is_to_end else self._tick()

    def end(self) -> None:
        """End the test, from a greenlet that Locust does not kill with it."""
        self._is_to_end = True
        deadline_s = time.monotonic() + GRACE_S
        while self._runner.state in _UNDER_WAY and time.monotonic() < deadline_s:
            gevent.sleep(POLL_S)
        if self._runner.state in _UNDER_WAY:
            self._runner.quit()  # it is held up, such as by users that are still to come


def bind_shape(environment: Environment) -> BoundShape | None:
    """Let the run time end the shape of a headless test, if it has one."""
    options, shape, runner = environment.parsed_options, environment.shape_class, environment.runner
    assert options is not None
    assert runner is not None
    return None if shape is None else BoundShape(shape, runner, options.run_time)
