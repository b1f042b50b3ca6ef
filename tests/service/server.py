"""The service as users run it: gunicorn in its own process, on a free loopback port."""

import contextlib
import http.client
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from headcount.stack.ports import free_port
from tests.service.waiting import eventually

ROOT = Path(__file__).parents[2]
CONF = "service/headcount_service/gunicorn.conf.py"
TIMEOUT_S = 60.0
REFUSED = 0


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """The response to one request."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        """The body, parsed as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class GunicornServer:
    """A running service; `log_path` holds its output."""

    port: int
    process: subprocess.Popen[bytes]
    log_path: Path

    def get(self, path: str, **headers: str) -> HttpResponse:
        """Send one request on a new connection; `X_Event_Id` sets the header `X-Event-Id`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        with contextlib.closing(connection):
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("GET", path, headers=named)
            response = connection.getresponse()
            return HttpResponse(response.status, dict(response.headers), response.read().decode())

    def terminate(self) -> int:
        """Send SIGTERM, and return the exit code once it has ended."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(TIMEOUT_S)

    def answers(self, path: str, status: int) -> bool:
        """Return whether a request for the path now gets the status."""
        try:
            return self.get(path).status == status
        except OSError:
            return False


def environment(**variables: object) -> dict[str, str]:
    """Return this process's environment, with `variables` instead of the service's."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SERVICE_")}
    return clean | {f"SERVICE_{name}": str(value) for name, value in variables.items()}


def command(*arguments: str) -> list[str]:
    """Return gunicorn's command line."""
    return [sys.executable, "-m", "gunicorn", "-c", CONF, *arguments]


@contextlib.contextmanager
def serving(log_path: Path, *arguments: str, **variables: object) -> Iterator[GunicornServer]:
    """Run the service until the block ends; it answers /healthz when the block begins."""
    port = free_port()
    database = f"sqlite:///{log_path.with_name('game.sqlite3')}"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            command(*arguments),
            cwd=ROOT,
            # A worker serves only once it has connected: which one answers is a matter of chance.
            env=environment(
                PORT=port, **{"DATABASE_URL": database, "CONNECT_TIMEOUT_S": 20, **variables}
            ),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    server = GunicornServer(port, process, log_path)
    try:
        eventually(
            lambda: process.poll() is not None or server.answers("/healthz", 200), "/healthz"
        )
        assert process.poll() is None, log_path.read_text(encoding="utf-8")
        yield server
    finally:
        if process.poll() is None:
            server.terminate()


class BackgroundLoad:
    """Clients that buy swords one after another, each with an event id, until they are stopped.

    Each keeps its connection as long as it can, or makes a new one for each request.
    """

    def __init__(
        self, server: GunicornServer, clients: int, *, keeps_connections: bool = True
    ) -> None:
        self._server = server
        self._keeps_connections = keeps_connections
        self._stop = threading.Event()
        self._outcomes: dict[str, int | None] = {}
        self._threads = [threading.Thread(target=self._run, args=(i,)) for i in range(clients)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def ids(self, status: int | None) -> set[str]:
        """The ids that ended with the status; REFUSED: no connection, None: no answer."""
        outcomes = dict(self._outcomes)
        return {event_id for event_id, ended in outcomes.items() if ended == status}

    def _run(self, client: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=TIMEOUT_S)
        with contextlib.closing(connection):
            for number in itertools.takewhile(lambda _: not self._stop.is_set(), itertools.count()):
                event_id = f"load.{client}.{number}"
                try:
                    self._outcomes[event_id] = _buy(connection, client, event_id)
                    if not self._keeps_connections:
                        connection.close()
                except (OSError, http.client.HTTPException) as error:
                    connection.close()
                    is_refused = isinstance(error, ConnectionRefusedError)
                    self._outcomes[event_id] = REFUSED if is_refused else None
                    self._stop.wait(0.02)


def _buy(connection: http.client.HTTPConnection, client: int, event_id: str) -> int:
    path = f"/purchase_a_sword?metal=iron&player_id=p-{client}"
    connection.request("GET", path, headers={"X-Event-Id": event_id})
    response = connection.getresponse()
    response.read()
    return response.status
