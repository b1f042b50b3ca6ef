"""Services that do wrong, each in its own way: `MISDEED` names which is served here.

`HARM_FILE` is a path: while there is such a file, the service does what it does wrong.
"""

import os
import queue
import socket
import struct
import threading
import time
from pathlib import Path

from flask import request
from headcount_service.app import create_app
from headcount_service.publish.events import Event
from headcount_service.publish.protocols import RecordPosition
from headcount_service.publish.publisher import make_publisher
from headcount_service.settings import load_settings

from tests.harmful.proxy import Proxy

SLOW_S = 3.0
HARM_FILE = Path(os.environ["HARM_FILE"])


class Slow(Proxy):
    """Publishes, and takes its time to say so."""

    def publish(self, event: Event, key: str | None) -> RecordPosition | None:
        """Publish, and wait."""
        place = super().publish(event, key)
        if HARM_FILE.exists():
            time.sleep(SLOW_S)
        return place


class Resetting(Proxy):
    """Resets connections, of some requests before it publishes and of others after."""

    def publish(self, event: Event, key: str | None) -> RecordPosition | None:
        """Publish, or do not, and reset the connection either way."""
        if not HARM_FILE.exists():
            return super().publish(event, key)
        if hash(event["receipt"]) % 2:
            super().publish(event, key)
        connection: socket.socket = request.environ["gunicorn.socket"]
        linger_for_nothing = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_for_nothing)
        os.dup2(os.open(os.devnull, os.O_RDWR), connection.fileno())
        raise ConnectionResetError


class Lying(Proxy):
    """Answers at once, and publishes a little later, if it lives."""

    def start(self) -> None:
        """Start the real one, and the thread that publishes through it."""
        super().start()
        self._later: queue.SimpleQueue[tuple[Event, str | None]] = queue.SimpleQueue()
        threading.Thread(target=self._publish_later, daemon=True).start()

    def publish(self, event: Event, key: str | None) -> RecordPosition | None:
        """Promise."""
        self._later.put((event, key))
        return None

    def _publish_later(self) -> None:
        while True:
            event, key = self._later.get()
            while HARM_FILE.exists():
                time.sleep(0.01)
            super().publish(event, key)


_settings = load_settings()
_kind = {"slow": Slow, "resetting": Resetting, "lying": Lying}[os.environ["MISDEED"]]
app = create_app(_settings, _kind(make_publisher(_settings)))
