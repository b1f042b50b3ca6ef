"""The load of a probe: a few requests, each task in turn, with ids in several headers.

`headcount probe` sets the number of requests. A run uses none of this.
"""

import time
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from typing import Any

import gevent
from locust import User
from locust.env import Environment

from headcount.plugin.attempts.recorder import Recorder
from headcount.plugin.http.client import LedgerUserAgent
from headcount.plugin.http.id_header_value import value_of
from headcount.run.probe_ids import HeaderIds

FEWEST_USERS, MOST_USERS = 3, 20
LONGEST_WAIT_S = 0.2
"""The longest wait between two tasks of a user."""
POLL_S = 0.05
GENERATOR = 0
"""The only generator of a probe."""
_EXTRA_PER_TASK = 2
"""By how many requests the limit may be exceeded for each task that has not yet begun."""

_MOST_STARTS_PER_REQUEST = 10
"""The probe gives up after more than this many tasks for each request and each user class.

It also gives up after as many requests without an event.
"""


class ProbeLoad:
    """Rotates the tasks, limits the requests, and adds headers with ids to them.

    `requests` is the number of requests, which may be exceeded until each task has begun.
    `header_ids` are the headers; they are known once the run has a tag.
    """

    def __init__(self, user_classes: Iterable[type[User]], requests: int) -> None:
        self.header_ids: tuple[HeaderIds, ...] = ()
        self._requests = requests
        self._tasks: dict[type[User], Sequence[Any]] = {
            user: list(dict.fromkeys(user.tasks)) for user in user_classes
        }
        self._begun = dict.fromkeys(self._tasks, 0)

    @property
    def users(self) -> int:
        """The number of users: one for each task, within limits, so that no task blocks another."""
        tasks = sum(map(len, self._tasks.values()))
        return max(FEWEST_USERS, len(self._tasks), min(MOST_USERS, tasks))

    def next_task(self, user: type[User]) -> Any:
        """Return the task whose turn it is."""
        tasks, place = self._tasks[user], self._begun[user]
        self._begun[user] = place + 1
        return tasks[place % len(tasks)]

    def is_over(self, attempted: int) -> bool:
        """Whether the limit is reached after `attempted` requests."""
        waiting = sum(max(0, len(self._tasks[user]) - n) for user, n in self._begun.items())
        return attempted >= self._requests + _EXTRA_PER_TASK * waiting

    def is_in_vain(self, without_event: int) -> bool:
        """Whether far more tasks, or requests without an event, have begun than are needed."""
        most = _MOST_STARTS_PER_REQUEST * (self._requests + len(self._begun))
        return sum(self._begun.values()) > most or without_event > most

    def add_headers(
        self, headers: MutableMapping[str, str], client: LedgerUserAgent, seq: int
    ) -> None:
        """Add headers with ids to a request, but none that it or its user has already."""
        own = {name.lower() for name in (*headers, *client.default_headers)}
        for probed in self.header_ids:
            if probed.header.lower() not in own:
                headers[probed.header] = value_of(probed.header, probed.ids.text(GENERATOR, seq))


def prepare(environment: Environment, requests: int) -> ProbeLoad:
    """Let a few users of every class run, whatever the scenario's weights and load shape."""
    options, classes = environment.parsed_options, list(environment.user_classes)
    assert options is not None
    load = ProbeLoad(classes, requests)
    environment.shape_class = None
    for user in classes:
        user.weight, user.fixed_count = 1, 0
    options.num_users = options.spawn_rate = load.users
    return load


def short(wait_time: Callable[[], float]) -> Callable[[], float]:
    """Return the wait time of a task, limited to LONGEST_WAIT_S."""
    return lambda: min(wait_time(), LONGEST_WAIT_S)


def quit_when_over(environment: Environment, load: ProbeLoad, recorder: Recorder) -> None:
    """End Locust once the probe has made all requests or gives up, and none is in flight.

    It waits for requests in flight no longer than Locust's stop timeout.
    """
    runner, patience_s = environment.runner, environment.stop_timeout
    assert runner is not None

    def wait() -> None:
        while not load.is_over(recorder.attempted):
            if load.is_in_vain(recorder.shortfall.without_event):
                break
            gevent.sleep(POLL_S)
        deadline_s = time.monotonic() + patience_s
        while recorder.in_flight and time.monotonic() < deadline_s:
            gevent.sleep(POLL_S)
        gevent.spawn(runner.quit)

    gevent.spawn(wait)
