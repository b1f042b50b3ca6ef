"""The service under gunicorn, without a broker: start, shutdown, and another publisher."""

import runpy
import socket
import subprocess
from pathlib import Path

import pytest

from headcount.stack.ports import free_port
from tests.service.conftest import LoadSettings
from tests.service.server import (
    REFUSED,
    ROOT,
    TIMEOUT_S,
    BackgroundLoad,
    command,
    environment,
    serving,
)
from tests.service.waiting import eventually

pytestmark = pytest.mark.e2e


def test_a_bad_setting_ends_gunicorn_at_once() -> None:
    """One line for each on stderr, no traceback, no worker, and a non-zero exit code."""
    ended = subprocess.run(
        command(),
        cwd=ROOT,
        env=environment(THREADS="many", ACKS="2"),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [
        "SERVICE_ACKS='2' must be all, 1 or 0",
        "SERVICE_THREADS='many' must be a whole number from 1 to 512",
    ]
    assert ended.stdout == ""


def test_it_serves_without_kafka_when_publishing_is_off(tmp_path: Path) -> None:
    """The same application, always ready; connections stay open while a client pauses."""
    with serving(tmp_path / "log", PUBLISH="off") as server:
        answer = server.get("/purchase_a_sword?metal=iron")
        assert (answer.status, answer.body) == (200, "Sword Purchased!\n")
        assert answer.headers["Connection"] == "keep-alive"
        assert server.get("/readyz").status == 200
        assert server.get("/", **{f"H{n}": "" for n in range(65)}).status == 431
        assert server.terminate() == 0


@pytest.mark.slow
@pytest.mark.parametrize("keeps_connections", [True, False])
def test_an_end_leaves_no_request_indeterminate(tmp_path: Path, keeps_connections: bool) -> None:
    """Each gets a response, or a refused connection: on kept connections and on new ones."""
    with (
        serving(tmp_path / "log", PUBLISH="off") as server,
        BackgroundLoad(server, 24, keeps_connections=keeps_connections) as load,
    ):
        eventually(lambda: len(load.ids(200)) > 500, "load")
        assert server.terminate() == 0
        eventually(lambda: len(load.ids(REFUSED)) > 24, "refusals")
    assert load.ids(None) == set()
    assert "Traceback" not in server.log_path.read_text(encoding="utf-8")


def test_another_module_serves_with_its_own_publisher(tmp_path: Path) -> None:
    """The publisher starts in each worker after the fork, publishes, and is closed at the end."""
    module = "tests.service.wrapped:app"
    with serving(tmp_path / "log", module, PUBLISH="off", WORKERS="2") as server:
        assert server.get("/").status == 200
        assert server.get("/", X_Deny="1").status == 504
        log = server.log_path
        eventually(lambda: log.read_text().count("publisher started") == 2, "both have begun")
        assert server.terminate() == 0
    said = server.log_path.read_text(encoding="utf-8")
    assert said.count("publisher started") == 2
    assert said.count("publisher closed") == 2


def test_no_header_reaches_the_log(tmp_path: Path) -> None:
    """Whatever the request and the error, the values of its headers stay out of the log."""
    with serving(tmp_path / "log", PUBLISH="off") as server:
        for path in ("/", "/nowhere", "/purchase_a_sword?metal=tin"):
            server.get(path, Authorization="t0ken", X_Own="t0ken", Cookie="t0ken")
        server.get("/", X_Large="t0ken" * 4000)
    assert "t0ken" not in server.log_path.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_shutdown_during_the_start(tmp_path: Path) -> None:
    """A worker that gets SIGTERM while it waits for its broker exits like any other."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        servers = f"127.0.0.1:{silent.getsockname()[1]}"
        log = tmp_path / "log"
        with log.open("wb") as file:
            variables = environment(
                PORT=free_port(),
                WORKERS=1,
                CONNECT_TIMEOUT_S=5,
                BOOTSTRAP_SERVERS=servers,
                DATABASE_URL=f"sqlite:///{tmp_path}/game.sqlite3",
            )
            process = subprocess.Popen(command(), cwd=ROOT, env=variables, stdout=file, stderr=file)
        silent.settimeout(TIMEOUT_S)
        waiting, _ = silent.accept()  # the worker, which asks it for the topic
        with waiting:
            process.terminate()
            assert process.wait(TIMEOUT_S) == 0
    assert "Exception" not in log.read_text()


@pytest.mark.parametrize(
    ("database_timeout_s", "ack_timeout_s", "more_s"), [(60, 10, 55), (5, 50, 80)]
)
def test_a_shutdown_waits_for_the_slowest_request(
    load: LoadSettings, database_timeout_s: int, ack_timeout_s: int, more_s: int
) -> None:
    """It may wait for the database, then for its acknowledgement, then for late records."""
    load(DATABASE_TIMEOUT_S=5, ACK_TIMEOUT_S=10)
    usual_s = graceful_timeout_s()
    assert usual_s > 5 + 2 * 10
    load(DATABASE_TIMEOUT_S=database_timeout_s, ACK_TIMEOUT_S=ack_timeout_s)
    assert graceful_timeout_s() == usual_s + more_s


def graceful_timeout_s() -> int:
    """Return gunicorn's time for a shutdown, with the settings that are loaded."""
    path = ROOT / "service" / "headcount_service" / "gunicorn.conf.py"
    graceful_s: int = runpy.run_path(str(path))["graceful_timeout"]
    return graceful_s
