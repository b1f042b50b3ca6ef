"""Fixtures for the tests of the plugin in a real Locust."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from headcount.stack.broker import Broker
from tests.certificates import write_server_certificate
from tests.headcount.plugin.counting_service import CountingService, counting_service
from tests.headcount.plugin.locusts import Bench


@pytest.fixture
def service() -> Iterator[CountingService]:
    """A separate counting service for each test."""
    with counting_service() as service:
        yield service


@pytest.fixture
def bench(service: CountingService, broker: Broker, topic: str, tmp_path: Path) -> Bench:
    """Everything that a Locust process needs."""
    return Bench(service, broker, topic, tmp_path / "reports")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    write_server_certificate(path)
    return path
