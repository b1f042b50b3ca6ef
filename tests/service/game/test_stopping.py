"""A worker that is suspended at any step publishes once; no other worker does in the meantime."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from headcount_service.app import Parts, create_app, parts_of
from headcount_service.errors import OutcomeUnknown
from headcount_service.game import lease, relay
from headcount_service.game.storage import outbox
from headcount_service.game.storage.tables import events
from headcount_service.migrations.upgrade import upgrade
from sqlalchemy import func, select

from tests.service.conftest import LoadSettings
from tests.service.fakes import RecordingPublisher
from tests.service.game.stopping import LEASE_MARGIN_S, PLAYER, QUIET_S, STEPS, FilePublisher, read
from tests.service.server import ROOT, TIMEOUT_S, environment
from tests.service.waiting import eventually

ACK_TIMEOUT_S = 0.2
LONG_S = 3 * (ACK_TIMEOUT_S + LEASE_MARGIN_S + QUIET_S)
"""Longer than all leases together."""


@pytest.fixture
def topic(tmp_path: Path) -> Path:
    """The file that represents the topic."""
    file = tmp_path / "topic"
    file.touch()
    return file


@pytest.fixture
def other(
    load: LoadSettings, database_url: str, topic: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Parts]:
    """The parts of another worker, on the same database and topic."""
    publisher = FilePublisher(topic)
    monkeypatch.setattr(lease, "MARGIN_S", LEASE_MARGIN_S)
    monkeypatch.setattr(relay, "QUIET_S", QUIET_S)
    monkeypatch.setattr(relay, "find", publisher.find)
    settings = load(DATABASE_URL=database_url, ACK_TIMEOUT_S=ACK_TIMEOUT_S)
    upgrade(settings)
    parts = parts_of(create_app(settings, publisher))
    yield parts
    parts.close()


def leave_an_event(load: LoadSettings, database_url: str) -> None:
    """Have a worker create an event, fail to publish it, and exit."""
    settings = load(DATABASE_URL=database_url, ACK_TIMEOUT_S=ACK_TIMEOUT_S)
    publisher = RecordingPublisher(failure=OutcomeUnknown("no answer"))
    app = create_app(settings, publisher)
    assert app.test_client().post("/players", json={"player_id": PLAYER}).status_code == 504
    parts_of(app).close()


@contextmanager
def stopped(database_url: str, topic: Path, step: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a worker until it suspends itself at the step."""
    variables = environment(DATABASE_URL=database_url, ACK_TIMEOUT_S=ACK_TIMEOUT_S)
    command = [sys.executable, "-m", "tests.service.game.stopping", str(topic), step]
    with subprocess.Popen(command, cwd=ROOT, env=variables) as process:
        try:
            _, status = os.waitpid(process.pid, os.WUNTRACED)
            assert os.WIFSTOPPED(status), status
            yield process
        finally:
            process.kill()


def unpublished(parts: Parts) -> int:
    """Return the number of unpublished events."""
    query = select(func.count()).where(events.c.leased_until_ms.is_not(None))
    return int(parts.database.look(lambda connection: connection.execute(query).scalar_one()))


def relay_for(parts: Parts, duration_s: float) -> None:
    """Run a worker's relay again and again for a time."""
    end_s = time.monotonic() + duration_s
    while time.monotonic() < end_s:
        parts.relay.relay()
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_a_worker_that_goes_on(
    step: str, load: LoadSettings, database_url: str, topic: Path, other: Parts
) -> None:
    """However long it was suspended, the event is in the topic once, and marked as published."""
    if step.startswith("relaying"):
        leave_an_event(load, database_url)
    with stopped(database_url, topic, step) as process:
        before = read(topic)
        relay_for(other, LONG_S)
        assert read(topic) == before
        assert unpublished(other) == 1
        process.send_signal(signal.SIGCONT)
        assert process.wait(TIMEOUT_S) == 0
    relay_for(other, LONG_S)
    assert len(read(topic)) == 1
    assert unpublished(other) == 0


@pytest.mark.parametrize("step", ["making:after", "relaying:before"])
def test_a_worker_that_is_killed(
    step: str, load: LoadSettings, database_url: str, topic: Path, other: Parts
) -> None:
    """Another worker takes over its event, and first looks in the topic."""
    if step.startswith("relaying"):
        leave_an_event(load, database_url)
    with stopped(database_url, topic, step) as process:
        relay_for(other, LONG_S)
        process.kill()
    eventually(lambda: other.relay.relay() or not unpublished(other), "it is published")
    relay_for(other, LONG_S)
    assert len(read(topic)) == 1
    assert unpublished(other) == 0


def test_an_event_that_its_producer_may_still_send(
    load: LoadSettings, database_url: str, other: Parts
) -> None:
    """No relay touches it until the producer is closed, not even the worker's own."""
    del other  # it has created the tables
    settings = load(DATABASE_URL=database_url, ACK_TIMEOUT_S=ACK_TIMEOUT_S)
    closed: list[bool] = []
    failing = RecordingPublisher(failure=OutcomeUnknown("no answer", lambda: bool(closed)))
    app = create_app(settings, failing)
    assert app.test_client().post("/players", json={"player_id": PLAYER}).status_code == 504
    failing.failure = None
    parts = parts_of(app)
    relay_for(parts, LONG_S)
    assert failing.published == []
    closed.append(True)
    eventually(lambda: parts.relay.relay() or not unpublished(parts), "it is published")
    assert len(failing.published) == 1
    parts.close()


def test_leases_are_of_the_databases_clock(
    load: LoadSettings, database_url: str, other: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host whose clock is an hour ahead gets the same leases as any other."""
    an_hour_ahead_ms = outbox.now_ms() + 3_600_000
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "now_ms", lambda: an_hour_ahead_ms)
        leave_an_event(load, database_url)
    with other.database.engine.connect() as connection:
        (leased,) = connection.execute(select(func.max(events.c.leased_until_ms))).one()
    assert abs(leased - outbox.now_ms()) < 60_000
