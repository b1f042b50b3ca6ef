"""Load shapes: a base class for shapes that respect `--users` and `--run-time`, and how they end.

Locust lets a shape run for as long as the shape likes. Whoever stops the test before that also
ends the shape's greenlet. Headless Locust waits for this greenlet, so it would then stop the test a
second time. A shape is therefore ended from within: once it should end, its `tick` returns None.
"""

import time
from typing import Any

import gevent
from locust import LoadTestShape
from locust.env import Environment
from locust.runners import STATE_INIT, STATE_RUNNING, STATE_SPAWNING, Runner

DEFAULT_USERS, DEFAULT_RUN_TIME_S = 20, 30
GRACE_S = 3.0
"""How long a shape may take to end: Locust calls `tick` once a second."""
POLL_S = 0.1
_UNDER_WAY = (STATE_INIT, STATE_SPAWNING, STATE_RUNNING)


class PlannedShape(LoadTestShape):
    """A shape that sets the number of users for each second of the run.

    Subclasses set `abstract = False` and define `users_at`.
    """

    abstract = True
    use_common_options = True

    def users_at(self, now_s: float, users: int, run_time_s: float) -> int:
        """Return how many of `users` should exist `now_s` seconds into the run."""
        raise NotImplementedError

    def tick(self) -> tuple[int, float] | None:
        """Return the number of users and the spawn rate per second; None when the run is over."""
        assert self.runner is not None
        options = self.runner.environment.parsed_options
        users = getattr(options, "num_users", None) or DEFAULT_USERS
        run_time_s = float(getattr(options, "run_time", None) or DEFAULT_RUN_TIME_S)
        now_s: float = self.get_run_time()  # type: ignore[no-untyped-call]
        if now_s >= run_time_s:
            return None
        return max(1, self.users_at(now_s, users, run_time_s)), users


class BoundShape:
    """Wraps the scenario's shape, so that it ends with the run time or on request."""

    def __init__(self, shape: Any, runner: Runner, run_time_s: float | None) -> None:
        self._tick, self._runner, self._run_time_s = shape.tick, runner, run_time_s
        self._began_s: float | None = None
        self._is_ending = False
        shape.tick = self.tick

    def tick(self) -> Any:
        """Return the shape's own tick; None when the run is over."""
        now_s = time.monotonic()
        if self._began_s is None:
            self._began_s = now_s
            if self._run_time_s is not None:
                gevent.spawn_later(self._run_time_s + GRACE_S, self.end)
        is_over = self._run_time_s is not None and now_s - self._began_s >= self._run_time_s
        return None if is_over or self._is_ending else self._tick()

    def end(self) -> None:
        """End the test; call it from a greenlet that Locust does not kill with the test."""
        self._is_ending = True
        deadline_s = time.monotonic() + GRACE_S
        while self._runner.state in _UNDER_WAY and time.monotonic() < deadline_s:
            gevent.sleep(POLL_S)
        if self._runner.state in _UNDER_WAY:
            self._runner.quit()  # the shape is blocked, for example because users still spawn


def bind_shape(environment: Environment) -> BoundShape | None:
    """Let the run time end a headless test's load shape; None if it has no shape."""
    options, shape, runner = environment.parsed_options, environment.shape_class, environment.runner
    assert options is not None
    assert runner is not None
    return None if shape is None else BoundShape(shape, runner, options.run_time)
