"""The proxy: a publisher around the real one, for services that do wrong."""

from headcount_service.publish.events import Event
from headcount_service.publish.protocols import EventPublisher, RecordPosition


class Proxy:
    """Publishes through another publisher; the base of those that do wrong."""

    def __init__(self, real: EventPublisher) -> None:
        self.real = real

    def start(self) -> None:
        """Start the real one."""
        self.real.start()

    def is_open(self) -> bool:
        """As the real one."""
        return self.real.is_open()

    def is_ready(self) -> bool:
        """Ask the real one."""
        return self.real.is_ready()

    def close(self) -> None:
        """Close the real one."""
        self.real.close()

    def publish(self, event: Event, key: str | None) -> RecordPosition | None:
        """Publish through the real one."""
        return self.real.publish(event, key)
