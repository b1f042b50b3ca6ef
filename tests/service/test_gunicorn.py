"""The service under gunicorn, without a broker: its start, its end, and its seam."""

import subprocess
from pathlib import Path

import pytest

from tests.service.server import ROOT, TIMEOUT_S, command, environment, serving

pytestmark = pytest.mark.e2e


def test_a_bad_setting_ends_gunicorn_at_once() -> None:
    """One line for each on stderr, no traceback, no worker, and an exit code that is not 0."""
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
    """The same application, always ready, with connections that outlast a client's pauses."""
    with serving(tmp_path / "log", PUBLISH="off") as server:
        answer = server.get("/purchase_a_sword?metal=iron")
        assert (answer.status, answer.body) == (200, "Sword Purchased!\n")
        assert answer.headers["Connection"] == "keep-alive"
        assert server.get("/readyz").status == 200
        assert server.get("/", **{f"H{n}": "" for n in range(65)}).status == 431
        assert server.terminate() == 0


def test_another_module_serves_around_its_own_publisher(tmp_path: Path) -> None:
    """Its publisher starts in each worker after the fork, is used, and is closed at the end."""
    module = "tests.service.wrapped:app"
    with serving(tmp_path / "log", module, PUBLISH="off", WORKERS="2") as server:
        assert server.get("/").status == 200
        assert server.get("/", X_Deny="1").status == 504
        assert server.terminate() == 0
    said = server.log_path.read_text(encoding="utf-8")
    assert said.count("publisher started") == 2
    assert said.count("publisher closed") == 2


def test_no_header_reaches_the_log(tmp_path: Path) -> None:
    """Whatever is sent, and however it is refused, its headers' values stay out of the log."""
    with serving(tmp_path / "log", PUBLISH="off") as server:
        for path in ("/", "/nowhere", "/purchase_a_sword?metal=tin"):
            server.get(path, Authorization="t0ken", X_Own="t0ken", Cookie="t0ken")
        server.get("/", X_Large="t0ken" * 4000)
    assert "t0ken" not in server.log_path.read_text(encoding="utf-8")
