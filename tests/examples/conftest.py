"""What the examples need from a test."""

from pathlib import Path

import pytest

from headcount.stack.broker import Broker
from tests.examples.walkthrough import Surroundings


@pytest.fixture
def surroundings(
    broker: Broker, topic: str, environ: dict[str, str], tmp_path: Path
) -> Surroundings:
    """The shared broker, with a topic and a folder for the test alone."""
    return Surroundings(broker.bootstrap_servers, topic, tmp_path, environ)
