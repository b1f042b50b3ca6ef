"""A WSGI module that serves the real application, and whose worker dies when a file says so.

`DEATH_FILE` names the file. It holds `before` or `after`: the worker removes the file, and kills
itself before it publishes the next event, or after the broker has acknowledged it.
"""

import os
import signal
from pathlib import Path

from headcount_service.app import create_app
from headcount_service.publish.events import Event
from headcount_service.publish.protocols import RecordPosition
from headcount_service.publish.publisher import make_publisher
from headcount_service.settings import load_settings

from tests.harmful.proxy import Proxy

_DEATH_FILE = Path(os.environ["DEATH_FILE"])


class Dying(Proxy):
    """Publishes, or kills the worker."""

    def publish(self, event: Event, key: str | None) -> RecordPosition | None:
        """Publish, or kill the worker before or after, as the file says."""
        when = _DEATH_FILE.read_text("utf-8") if _DEATH_FILE.exists() else ""
        _DEATH_FILE.unlink(missing_ok=True)
        place = None if when == "before" else self.real.publish(event, key)
        if when:
            os.kill(os.getpid(), signal.SIGKILL)
        return place


_settings = load_settings()
app = create_app(_settings, Dying(make_publisher(_settings)))
