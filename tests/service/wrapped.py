"""A WSGI module that serves the real application with its own publisher.

If a request's header demands it, the publisher reports that the event's outcome is unknown.
"""

import sys

from headcount_service.app import create_app
from headcount_service.errors import OutcomeUnknown
from headcount_service.publish.events import Event
from headcount_service.publish.protocols import EventPublisher, RecordPosition
from headcount_service.publish.publisher import make_publisher
from headcount_service.settings import load_settings


class WrappedPublisher:
    """Passes events on to the real publisher, and reports errors on demand."""

    def __init__(self, real: EventPublisher) -> None:
        self._real = real

    def start(self) -> None:
        """Start the real publisher, and log that."""
        self._real.start()
        self._say("started")

    def publish(self, event: Event, key: str | None) -> RecordPosition | None:
        """Publish, and report an unknown outcome on demand."""
        place = self._real.publish(event, key)
        if "X-Deny" in event:
            raise OutcomeUnknown("As asked.")
        return place

    def is_open(self) -> bool:
        """As the real one."""
        return self._real.is_open()

    def is_ready(self) -> bool:
        """As the real one."""
        return self._real.is_ready()

    def close(self) -> None:
        """Close the real publisher, and log that."""
        self._real.close()
        self._say("closed")

    def _say(self, what: str) -> None:
        """Tell the test, which counts the lines in the server's output."""
        sys.stderr.write(f"publisher {what}\n")
        sys.stderr.flush()


_settings = load_settings()
app = create_app(_settings, WrappedPublisher(make_publisher(_settings)))
