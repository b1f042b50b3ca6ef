"""The plugin in a real Locust over TLS: requests are accounted for as without TLS."""

import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headcount.ledger.http_phases import Phase, read_http_phases
from headcount.ledger.location import open_location
from tests.headcount.plugin.counting_service import CountingService, counting_service
from tests.headcount.plugin.locusts import Bench

pytestmark = pytest.mark.e2e

LOCUSTFILE = """
import gevent.ssl
from locust import constant, task
from headcount.plugin import LedgerUser

read, left = gevent.ssl.SSLContext.load_verify_locations, list(range({readings}))

def read_seldom(*args, **kwargs):
    assert left, "authorities are read more often than they are needed"
    left.pop()
    read(*args, **kwargs)

gevent.ssl.SSLContext.load_verify_locations = read_seldom

class Player(LedgerUser):
    wait_time = constant(0.05)
    connection_timeout = {connection_timeout}
    {options}

    @task
    def the_short_way(self):
        self.client.post("/", json={{"way": "short"}}, event={{"event_type": "short"}})

    @task
    def the_general_way(self):
        self.client.get("/", params={{"way": "general"}}, event={{"event_type": "general"}})
"""
VERIFYING = {"options": "insecure = False", "readings": 1}


@pytest.fixture
def service(certificate: Path) -> Iterator[CountingService]:
    """A counting service with TLS and an untrusted certificate."""
    with counting_service(certificate) as service:
        yield service


def run(bench: Bench, tmp_path: Path, *more: str, **filled: Any) -> None:
    """Run ten users that use both paths."""
    values = {"options": "", "readings": 0, "connection_timeout": 30, **filled}
    (tmp_path / "tls_players.py").write_text(LOCUSTFILE.format(**values))
    bench.headless(*more, locustfile=str(tmp_path / "tls_players.py"))


def assert_all_acknowledged(bench: Bench) -> None:
    """On both paths, each request is acknowledged and accounted for, and connections are kept."""
    bench.assert_accounts_agree()
    outcomes = {(row["event_type"], row["outcome"], row["http_status"]) for row in bench.rows()}
    assert outcomes == {("short", "acked", 200), ("general", "acked", 200)}
    assert 1 <= bench.service.connections <= 10 < len(bench.service.received)
    assert_phases_recorded(bench, {str(row["event_type"]) for row in bench.rows()})


def assert_phases_recorded(bench: Bench, event_types: set[str]) -> None:
    """Each response has its first byte, and each connection its handshakes."""
    phases = read_http_phases(*open_location(str(bench.ledger())), 0).by_type
    assert phases.keys() == event_types
    rows = Counter(row["event_type"] for row in bench.rows())
    assert {name: of_type[Phase.FIRST_BYTE].count for name, of_type in phases.items()} == rows
    for phase in (Phase.CONNECT, Phase.TLS):
        opened = sum(of_type[phase].count for of_type in phases.values() if phase in of_type)
        assert opened == bench.service.connections


def test_certificates_are_not_verified(bench: Bench, tmp_path: Path) -> None:
    """As in Locust, by default; the CA certificates are not loaded either."""
    run(bench, tmp_path)
    assert_all_acknowledged(bench)


def test_a_trusted_certificate(
    bench: Bench, tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If certificates are verified, all users share the CA certificates, which are loaded once."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    run(bench, tmp_path, **VERIFYING)
    assert_all_acknowledged(bench)


def test_an_untrusted_certificate(bench: Bench, tmp_path: Path) -> None:
    """No request is sent to an untrusted service, and each attempt records why."""
    run(bench, tmp_path, **VERIFYING)
    assert bench.service.received == []
    rows = bench.rows()
    assert {row["event_type"] for row in rows} == {"short", "general"}
    assert all(row["error"].startswith("SSLCertVerificationError") for row in rows)
    assert {row["outcome"] for row in rows} == {"indeterminate"}


def test_a_redirect_to_tls(bench: Bench, tmp_path: Path) -> None:
    """No id is carried from http to https; requests without `event=` are still redirected."""
    unaccounted = "unaccounted = task(lambda player: player.client.get('/'))"
    with counting_service() as plain:
        plain.status, plain.location = 302, bench.service.url
        run(bench, tmp_path, "--host", plain.url, options=unaccounted)
    assert set(bench.service.received) == {""}
    outcomes = {(row["event_type"], row["outcome"], row["http_status"]) for row in bench.rows()}
    assert outcomes == {("short", "indeterminate", 302), ("general", "indeterminate", 302)}
    assert len([request for request in plain.received if request]) == len(bench.rows())


def test_a_handshake_without_a_response(bench: Bench, tmp_path: Path) -> None:
    """It ends after the connection time-out."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as deaf:
        host = f"https://127.0.0.1:{deaf.getsockname()[1]}"
        run(bench, tmp_path, "--host", host, connection_timeout=0.2)
    rows = bench.rows()
    assert {row["event_type"] for row in rows} == {"short", "general"}
    assert all("timed out" in row["error"] for row in rows)
    assert {row["outcome"] for row in rows} == {"indeterminate"}
