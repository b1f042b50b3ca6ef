"""Fixtures for the tests of the service: settings from a separate environment, and a client."""

import os
from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient
from headcount_service.app import create_app
from headcount_service.settings import PREFIX, Settings, load_settings

from tests.service.fakes import RecordingPublisher

LoadSettings = Callable[..., Settings]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoadSettings]:
    """A function that loads settings from these variables (without prefix) and no others."""
    for name in [variable for variable in os.environ if variable.startswith(PREFIX)]:
        monkeypatch.delenv(name)

    def load_with(**variables: object) -> Settings:
        for name, value in variables.items():
            monkeypatch.setenv(f"{PREFIX}{name}", str(value))
        load_settings.cache_clear()
        return load_settings()

    yield load_with
    load_settings.cache_clear()


@pytest.fixture
def publisher() -> RecordingPublisher:
    """The publisher of the client's application."""
    return RecordingPublisher()


@pytest.fixture
def client(load: LoadSettings, publisher: RecordingPublisher) -> FlaskClient:
    """A client that calls the application directly, without a server."""
    return create_app(load(MAX_BODY_BYTES=1000), publisher, lambda: "receipt-1").test_client()
