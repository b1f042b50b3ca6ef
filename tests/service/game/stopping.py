"""A process that creates an event, or takes over a leftover one, and is suspended at some step.

    python -m tests.service.game.stopping TOPIC STEP

`SERVICE_…` are its settings. A file represents the topic, with one event per line. The process
suspends itself at the step; the test that started it resumes or kills it.
"""

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from headcount_service.app import create_app, parts_of
from headcount_service.game import lease, relay
from headcount_service.game.storage.outbox import RECEIPT, OutboxEntry
from headcount_service.publish.events import Event
from headcount_service.publish.protocols import NoPublisher, RecordPosition
from headcount_service.settings import Settings, load_settings

STEPS = ("making:before", "making:after", "relaying:look", "relaying:before", "relaying:after")
PLAYER = "stopped"
QUIET_S = LEASE_MARGIN_S = 0.2


class FilePublisher(NoPublisher):
    """Publishes to a file; suspends the process before or after that, if the step says so."""

    def __init__(self, topic: Path, step: str = "") -> None:
        self._topic = topic
        self._step = step

    def publish(self, event: Event, _key: str | None) -> RecordPosition | None:
        """Append an event."""
        self.pass_by("before")
        with self._topic.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(event)}\n")
        self.pass_by("after")
        return None

    def pass_by(self, step: str) -> None:
        """Suspend the process if it is at its step."""
        if self._step == step:
            os.kill(os.getpid(), signal.SIGSTOP)

    def find(self, settings: Settings, entries: Sequence[OutboxEntry]) -> dict[str, RecordPosition]:  # noqa: ARG002
        """Look for events in the file, as the relay's `find` does in the topic; then suspend."""
        there = {event[RECEIPT] for event in read(self._topic)}
        self.pass_by("look")
        return {entry.receipt: RecordPosition(0, 0) for entry in entries if entry.receipt in there}


def read(topic: Path) -> list[Event]:
    """Read all events."""
    return [json.loads(line) for line in topic.read_text("utf-8").splitlines()]


def main(topic: str, step: str) -> None:
    """Create an event, or relay the leftover ones."""
    does, at = step.split(":")
    publisher = FilePublisher(Path(topic), at)
    lease.MARGIN_S, relay.QUIET_S = LEASE_MARGIN_S, QUIET_S
    relay.find = publisher.find
    app = create_app(load_settings(), publisher)
    if does == "making":
        game = app.test_client()
        assert game.post("/players", json={"player_id": PLAYER}).status_code == 201
    else:
        while not parts_of(app).relay.relay():
            pass
    parts_of(app).close()


if __name__ == "__main__":
    main(*sys.argv[1:])
