"""Sharing under gunicorn: who gets the connections that are made at once."""

import contextlib
import http.client
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.server import TIMEOUT_S, Server, serving
from tests.service.waiting import eventually

pytestmark = pytest.mark.e2e

MODULE = "tests.service.pausing:app"
PAUSE_S = 2.0


@contextlib.contextmanager
def connected(server: Server, count: int) -> Iterator[list[http.client.HTTPConnection]]:
    """So many connections, which are made at once, asked for something, and kept."""
    with contextlib.ExitStack() as stack:
        made = [
            stack.enter_context(
                contextlib.closing(
                    http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT_S)
                )
            )
            for _ in range(count)
        ]
        for each in made:
            each.connect()
        for each in made:
            each.request("GET", "/healthz")
        yield made


def worker(connection: http.client.HTTPConnection) -> str:
    """The process that answers on a connection."""
    answer = connection.getresponse()
    answer.read()
    return answer.headers["X-Served-By"]


def test_connections_that_are_made_at_once_are_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two, each worker gets one, however often."""
    monkeypatch.setenv("PAUSE_S", str(PAUSE_S))
    with serving(tmp_path / "log", MODULE, PUBLISH="off", WORKERS=2, THREADS=16) as server:
        seen: set[str] = set()

        def has_seen_both() -> bool:
            seen.add(server.get("/healthz").headers["X-Served-By"])
            return len(seen) == 2

        eventually(has_seen_both, "both workers")
        judged = 0
        while judged < 3:
            time.sleep(PAUSE_S)  # then both accept
            began_s = time.monotonic()
            with connected(server, 2) as pair:
                found = {worker(each) for each in pair}
                if time.monotonic() - began_s > PAUSE_S:
                    continue  # the one that was first had its pause, and may be first again
                assert found == seen
                judged += 1


@pytest.mark.parametrize(("workers", "threads"), [(1, 16), (2, 1)])
def test_nobody_waits_in_vain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int, threads: int
) -> None:
    """One worker alone does not pause, nor does one whose threads have a connection each."""
    monkeypatch.setenv("PAUSE_S", "3600")
    with (
        serving(
            tmp_path / "log", MODULE, PUBLISH="off", WORKERS=workers, THREADS=threads
        ) as server,
        connected(server, 8) as made,
    ):
        assert all(map(worker, made))
