"""The base class of every scenario's users.

    class Player(LedgerUser):
        wait_time = between(0.1, 0.5)

        @task(3)
        def sword(self):
            wish = {"metal": self.random.choice(METALS), "quantity": 1}
            event = {"event_type": "purchase_sword", **wish}
            self.client.post("/purchase_a_sword", json=wish, event=event)

A request with `event=` is accounted for, field by field; one without is plain Locust. A request
that changes state can declare how, with `changes=`; the state is then accounted for as well:

            player_id = self.new_owner()
            changes = Changes(player_id, {"gold": -20, "item:sword:metal=iron": 1})
"""

import sys
import time
from collections.abc import Callable
from random import Random
from typing import Any

import gevent
import gevent.event
from gevent.pool import Group
from locust import TaskSet
from locust.contrib.fasthttp import FastHttpUser
from locust.env import Environment
from locust.exception import StopUser
from locust.user.task import LOCUST_STATE_STOPPING, LOCUST_STATE_WAITING

from headcount.plugin import scenario_errors
from headcount.plugin.environment_state import state_of
from headcount.plugin.http.tls import context_factory
from headcount.plugin.probe_load import short
from headcount.plugin.session import LedgerSession


class LedgerUser(FastHttpUser):
    """A Locust user whose requests are written to the ledger.

    `self.random` is the generator's own source of random numbers: with the same `--seed`, each
    generator repeats the same sequence of requests. Draw from it before a task's first request.
    """

    abstract = True
    host = "http://127.0.0.1:8000"
    client: LedgerSession
    random: Random

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        state = state_of(environment)
        self.random, self.probe = state.random, state.probe
        self.client = LedgerSession(
            recorder=state.recorder,
            user_name=type(self).__name__,
            http_way=state.http_way,
            base_url=self.host,
            request_event=environment.events.request,
            user=self,
            network_timeout=self.network_timeout,
            connection_timeout=self.connection_timeout,
            max_redirects=self.max_redirects,
            max_retries=0,
            insecure=self.insecure,
            concurrency=self.concurrency,
            client_pool=self.client_pool,
            ssl_context_factory=self.ssl_context_factory or context_factory(insecure=self.insecure),
            headers=self.default_headers,
            proxy_host=self.proxy_host,
            proxy_port=self.proxy_port,
        )
        self.killed = False
        self._recorder = state.recorder
        # Locust would draw the next task from the global source, which wait times also use.
        self.tasks = [_pick]
        self._pacer = state.pacer
        self._is_between_tasks = True
        if state.probe is not None:
            self.wait_time = short(self.wait_time)  # type: ignore[method-assign]
        self._own_wait_time = self.wait_time
        self._arrival = gevent.event.Event()
        if state.pacer is not None:
            # The wait for an arrival replaces Locust's wait time between tasks.
            self.wait_time = self._await_arrival  # type: ignore[method-assign]

    def new_owner(self) -> str:
        """Return a new name for an owner of state, such as a player, unique to this run."""
        if self._recorder is None:
            raise StopUser  # nothing would account for it
        return self._recorder.new_owner()

    def start(self, group: Group) -> "gevent.Greenlet[..., None]":
        """Start as Locust does, and watch the user for errors."""
        greenlet: gevent.Greenlet[..., None] = super().start(group)
        scenario_errors.count_errors_of(self, greenlet)
        if self._pacer is not None and self._recorder is not None:
            self._recorder.shortfall.users += 1
            greenlet.link(self._leave_pool)
            self._pacer.prepare(self.client.open_ahead)
        return greenlet

    def _leave_pool(self, _greenlet: "gevent.Greenlet[..., None]") -> None:
        """Leave the pool at the user's end, and count an end that Locust did not ask for."""
        assert self._pacer is not None
        assert self._recorder is not None
        if self.killed or self._state == LOCUST_STATE_STOPPING:
            self._pacer.pool.remove(self)
            return
        self._recorder.shortfall.ended_users += 1
        self._pacer.pool.remove_ended(self)

    def take(self, due_at_ns: int) -> None:
        """Start a task; it and its first request were due at `due_at_ns` (monotonic)."""
        self.client.due_at_ns = due_at_ns
        self._arrival.set()

    def run_on_arrival(self, run_task: Callable[[], None]) -> None:
        """Run a task on the arrival that came before it; if none has come, wait for one.

        Locust waits between tasks, but neither before the first nor after `interrupt()`. The first
        task of a nested task set runs on the arrival that started the task set.
        """
        if self._pacer is not None and not self._arrival.is_set():
            super().wait()  # type: ignore[no-untyped-call]
        try:
            run_task()
        finally:
            self._arrival.clear()

    def _await_arrival(self) -> float:
        """Wait for an arrival; return 0, because Locust then need not wait any longer.

        If a task calls `wait`, the user waits as its `wait_time` says, and takes no arrival.
        """
        assert self._pacer is not None
        self._is_between_tasks = _is_between_tasks()
        if not self._is_between_tasks:
            return float(self._own_wait_time())
        self.client.due_at_ns = None
        self._arrival.clear()
        pool = self._pacer.pool
        pool.release(self, time.monotonic_ns())
        self._arrival.wait()
        if self.client.due_at_ns is not None:
            pool.record_start(self.client.due_at_ns, time.monotonic_ns())
        return 0.0

    def stop(self, force: bool = False) -> bool:
        """Stop as Locust does, and begin no attempt while a kill is pending.

        Locust kills a waiting user asynchronously. If the wait ended at the same moment, a request
        would follow, and the kill would cut it off.
        """
        is_waiting = self._state == LOCUST_STATE_WAITING
        self.killed = force or is_waiting
        if self._pacer is not None and is_waiting and self._is_between_tasks:
            self._pacer.pool.remove_stopped(self, has_arrival=self._arrival.is_set())
        stopped: bool = super().stop(force)
        return stopped

    def heed_kill(self) -> None:
        """End the user if a kill is pending; return if the kill came earlier, as in `on_stop`."""
        gevent.sleep(0)  # delivers the kill
        assert self.greenlet is not None
        if self.greenlet.dead:
            raise gevent.GreenletExit  # in a greenlet that the scenario left behind


def _is_between_tasks() -> bool:
    """Whether the current wait is between two tasks, not one called by a task."""
    frame = sys._getframe(2)  # noqa: SLF001 - Locust calls the same method for both
    while frame.f_code.co_name in {"wait", "wait_time"} and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code in {TaskSet.run.__code__, LedgerUser.run_on_arrival.__code__}


def _pick(user: LedgerUser) -> None:
    tasks, probe = type(user).tasks, user.probe
    task: Any = user.random.choice(tasks) if probe is None else probe.next_task(type(user))
    if hasattr(task, "tasks"):
        task(user).run()
    else:
        task(user)
