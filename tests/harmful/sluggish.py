"""The game API with a delay before each event is published."""

import time

from headcount_service.app import create_app
from headcount_service.publish.events import Event
from headcount_service.publish.protocols import RecordPosition
from headcount_service.publish.publisher import make_publisher
from headcount_service.settings import load_settings

from tests.harmful.proxy import Proxy

DELAY_S = 0.3


class Sluggish(Proxy):
    """Waits, then publishes through the real publisher."""

    def publish(self, event: Event, key: str | None) -> RecordPosition | None:
        """Wait, then publish."""
        time.sleep(DELAY_S)
        return super().publish(event, key)


_settings = load_settings()
app = create_app(_settings, Sluggish(make_publisher(_settings)))
