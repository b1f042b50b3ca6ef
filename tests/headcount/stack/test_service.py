"""The server: any WSGI application under gunicorn, ready before its first use, ended afterwards."""

import http.client
import socket
import urllib.parse
from dataclasses import replace
from pathlib import Path

import pytest

from headcount.errors import PartError, UsageError
from headcount.kafka.topic import end_offsets
from headcount.stack import service as server_module
from headcount.stack.broker import Broker
from headcount.stack.ports import free_port, is_free
from headcount.stack.process import wait_until
from headcount.stack.service import Server, ServerConfig

pytestmark = pytest.mark.e2e

APP = """
import os

def app(environ, start_response):
    ready = {ready}
    start_response("200 OK" if ready else "503 Service Unavailable", [])
    keys = ("BOOTSTRAP_SERVERS", "TOPIC", "HOST", "PORT", "EXTRA")
    return [" ".join(os.environ.get("SERVICE_" + key, "-") for key in keys).encode()]
"""


def config(tmp_path: Path, environ: dict[str, str], app: str, port: int = 0) -> ServerConfig:
    """A server's settings, with the test's folder on the module search path."""
    return ServerConfig(
        bootstrap_servers="broker.test:9092",
        topic="events",
        log_path=tmp_path / "logs" / "service.log",
        environ={**environ, "PYTHONPATH": str(tmp_path), "SERVICE_EXTRA": "kept"},
        app=app,
        port=port,
        workers=1,
        start_deadline_s=120.0,
    )


@pytest.fixture
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder with an application that returns its environment."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "telling.py").write_text(APP.format(ready="True"))
    (tmp_path / "unready.py").write_text(APP.format(ready="False"))
    (tmp_path / "broken.py").write_text("raise RuntimeError('no licence')\n")


def get(server: Server, path: str) -> tuple[int, str]:
    """Status and body of a GET."""
    parts = urllib.parse.urlsplit(server.url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=120)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.usefixtures("in_tmp_path")
def test_a_service_gets_its_settings_by_environment(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    """The run's settings and the user's both reach the service; it ends cleanly."""
    with Server(config(tmp_path, environ, "telling:app")) as server:
        expected = f"broker.test:9092 events 127.0.0.1 {server.port} kept"
        assert get(server, "/") == (200, expected)
        assert server.stop() == 0
    assert is_free(server.port)


@pytest.mark.usefixtures("in_tmp_path")
def test_a_taken_port_is_no_obstacle(tmp_path: Path, environ: dict[str, str]) -> None:
    """If the preferred port is taken, the service gets another one."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with Server(config(tmp_path, environ, "telling:app", port)) as server:
            assert server.port != port


@pytest.mark.usefixtures("in_tmp_path")
def test_a_service_that_dies_at_start_is_an_error(tmp_path: Path, environ: dict[str, str]) -> None:
    """The one-line message quotes the application's exception, and no process keeps running."""
    with pytest.raises(PartError, match=r"the service ended with exit code 3: .*no licence"):
        Server(config(tmp_path, environ, "broken:app"))


@pytest.mark.usefixtures("in_tmp_path")
def test_a_service_that_is_never_ready_is_an_error(
    tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error quotes the service's last response."""
    readiness = server_module._readiness  # noqa: SLF001

    def once_it_answers(config: ServerConfig, port: int) -> str:
        wait_until(lambda: readiness(config, port).startswith("503"), 120, "the service answers")
        return readiness(config, port)

    monkeypatch.setattr(server_module, "_readiness", once_it_answers)
    unready = replace(config(tmp_path, environ, "unready:app"), start_deadline_s=2.0)
    with pytest.raises(PartError, match=r"readyz with 200 .*its last response: 503 broker.test"):
        Server(unready)


def test_a_missing_application_is_a_usage_error(tmp_path: Path, environ: dict[str, str]) -> None:
    """A mistyped module is an error before any process starts."""
    with pytest.raises(
        UsageError, match=r"cannot serve 'servise.wsgi': there is no module 'servise'"
    ):
        Server(config(tmp_path, environ, "servise.wsgi:app"))


@pytest.mark.usefixtures("in_tmp_path")
def test_another_service_on_its_port_is_not_mistaken_for_it(
    tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If another service takes the port first, that one answers there; the server moves on."""
    with Server(config(tmp_path, environ, "telling:app")) as first:
        taken = iter([first.port])
        monkeypatch.setattr(server_module, "free_port", lambda *_: next(taken, None) or free_port())
        with Server(config(tmp_path, environ, "telling:app")) as second:
            assert second.port != first.port


def test_the_game_service_publishes(
    broker: Broker, topic: str, tmp_path: Path, environ: dict[str, str]
) -> None:
    """The default application gets the broker's address, and responds once it has published."""
    wish = ServerConfig(broker.bootstrap_servers, topic, tmp_path / "s.log", environ, port=0)
    with Server(wish) as server:
        assert get(server, "/purchase_a_sword") == (200, "Sword Purchased!\n")
        assert sum(end_offsets(broker.cluster, topic).values()) == 1
