"""The proxy: a publisher around the real one, for misbehaving services."""

from headcount_service.publish.events import Event
from headcount_service.publish.protocols import EventPublisher, RecordPosition


class Proxy:
    """Publishes through another publisher; the base class of misbehaving publishers."""

    def __init__(self, real: EventPublisher) -> None:
        self.real = real

    def start(self) -> None:
        """Start the real publisher."""
        self.real.start()

    def is_open(self) -> bool:
        """Whether the real publisher is open."""
        return self.real.is_open()

    def is_ready(self) -> bool:
        """Whether the real publisher is ready."""
        return self.real.is_ready()

    def close(self) -> None:
        """Close the real publisher."""
        self.real.close()

    def publish(self, event: Event, key: str | None) -> RecordPosition | None:
        """Publish through the real publisher."""
        return self.real.publish(event, key)
