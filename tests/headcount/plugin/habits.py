"""Runs typical users against its own server, and prints the rows and the shortfall.

It is a program of its own, because Locust patches the standard library of its process.
"""

import json
import sys
from collections import Counter
from dataclasses import asdict
from typing import Any

import gevent
import pyarrow.dataset as pads
from gevent.server import StreamServer
from locust import HttpUser, TaskSet, User, constant, task
from locust.env import Environment

from headcount.ledger.location import open_location
from headcount.ledger.writer import LedgerWriter
from headcount.plugin import LedgerUser
from headcount.plugin.attempts.recorder import Recorder
from headcount.plugin.environment_state import state_of
from headcount.plugin.scenario_errors import on_user_error
from headcount.plugin.startup.user_classes import other_users

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ENOUGH = 40
DEADLINE_S = 60


def _ask(user: Any, name: str) -> None:
    user.client.post(f"/{name}", json={}, event={"event_type": name})


class UntidyPlayer(LedgerUser):
    """Sends requests outside its tasks, raises in a task, and sends requests in `on_stop`."""

    fixed_count = 5
    wait_time = constant(0.1)

    def on_start(self) -> None:
        """Start a greenlet that never ends."""
        gevent.spawn(self.poll)

    def poll(self) -> None:
        """Send requests for ever."""
        while True:
            _ask(self, "background")
            gevent.sleep(0.1)

    @task
    def buy(self) -> None:
        """Raise between two requests."""
        _ask(self, "buy")
        self.client.post("/look", json={})
        raise KeyError("guild")

    def on_stop(self) -> None:
        """Send requests in greenlets, and wait for them."""
        gevent.joinall([gevent.spawn(_ask, self, "goodbye") for _ in range(2)])


class Nested(LedgerUser):
    """Has tasks in a task set with its own `on_stop`."""

    fixed_count = 2
    wait_time = constant(0.1)

    @task
    class Shop(TaskSet):
        """Never interrupts."""

        @task
        def enter(self) -> None:
            """Send a request."""
            _ask(self, "enter")

        def on_stop(self) -> None:
            """Send a last request."""
            _ask(self, "leave")


class Dead(LedgerUser):
    """Never reaches its tasks."""

    fixed_count = 1

    def on_start(self) -> None:
        """Raise."""
        raise ValueError("no token")

    @task
    def buy(self) -> None:
        """Send nothing."""


class Rude(LedgerUser):
    """Raises in `on_stop`."""

    fixed_count = 1
    wait_time = constant(0.1)

    @task
    def buy(self) -> None:
        """Send nothing."""

    def on_stop(self) -> None:
        """Raise."""
        raise RuntimeError("no goodbye")


class Web(HttpUser):
    """A user without a ledger."""

    fixed_count = 1

    @task
    def look(self) -> None:
        """Wait."""
        gevent.sleep(0.1)


USERS: list[type[User]] = [UntidyPlayer, Nested, Dead, Rude, Web]


def main(folder: str) -> None:
    """Run until enough requests are sent, stop, seal, and print the rows and the shortfall."""
    received: list[bytes] = []

    def handle(connection: Any, _address: object) -> None:
        while data := connection.recv(65536):
            received.append(data)
            connection.sendall(OK)

    server = StreamServer(("127.0.0.1", 0), handle)
    server.start()
    writer = LedgerWriter(*open_location(folder), "run-1", 0)
    writer.open()
    environment = Environment(user_classes=USERS, host=f"http://127.0.0.1:{server.server_port}")
    environment.stop_timeout = 15
    environment.events.user_error.add_listener(on_user_error)
    recorder = Recorder(writer, lambda error: sys.exit(str(error)))
    recorder.shortfall.other_users = other_users(USERS)
    state_of(environment).recorder = recorder
    runner = environment.create_local_runner()
    runner.start(10, 10)
    with gevent.Timeout(DEADLINE_S):
        while recorder.attempted < ENOUGH or not recorder.shortfall.without_event:
            gevent.sleep(0.05)
    runner.stop()
    recorder.seal()
    rows = pads.dataset(f"{folder}/0", exclude_invalid_files=True).to_table().to_pylist()
    result = {
        "rows": Counter(row["event_type"] for row in rows),
        "received": sum(b"X-Event-Id" in request for request in received),
        "shortfall": asdict(recorder.shortfall.shortfall),
    }
    sys.stdout.write(json.dumps(result))
    sys.stdout.flush()
    gevent.sleep(0.3)  # lets the greenlets left behind meet the sealed ledger
    server.stop()
    gevent.get_hub().destroy()


if __name__ == "__main__":
    main(sys.argv[1])
