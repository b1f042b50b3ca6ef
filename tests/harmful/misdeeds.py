"""Misbehaving services: `MISDEED` names the one to serve.

The service misbehaves while the file `HARM_FILE` exists.
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
LATE_THREADS = 32
HARM_FILE = Path(os.environ["HARM_FILE"])


class Slow(Proxy):
    """Publishes, and delays the acknowledgement."""

    def publish(self, event: Event, key: str | None) -> RecordPosition | None:
        """Publish, then wait."""
        place = super().publish(event, key)
        if HARM_FILE.exists():
            time.sleep(SLOW_S)
        return place


class Resetting(Proxy):
    """Resets connections: before publishing for some requests, after it for others."""

    def publish(self, event: Event, key: str | None) -> RecordPosition | None:
        """Publish or not, and reset the connection in either case."""
        if not HARM_FILE.exists():
            return super().publish(event, key)
        if hash(event["receipt"]) % 2:
            super().publish(event, key)
        connection: socket.socket = request.environ["gunicorn.socket"]
        no_linger = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
        os.dup2(os.open(os.devnull, os.O_RDWR), connection.fileno())
        raise ConnectionResetError


class Lying(Proxy):
    """Answers immediately, and publishes later, if it is still alive."""

    def start(self) -> None:
        """Start the real publisher, and the threads that publish through it.

        There are enough threads that the queue does not grow on a slow machine: events that are
        late for long would leave the verdict in doubt.
        """
        super().start()
        self._later: queue.SimpleQueue[tuple[Event, str | None]] = queue.SimpleQueue()
        for _ in range(LATE_THREADS):
            threading.Thread(target=self._publish_later, daemon=True).start()

    def publish(self, event: Event, key: str | None) -> RecordPosition | None:
        """Queue the event, and acknowledge it."""
        self._later.put((event, key))
        return None

    def _publish_later(self) -> None:
        while True:
            event, key = self._later.get()
            while HARM_FILE.exists():
                time.sleep(0.01)
            super().publish(event, key)


_settings = load_settings()
_publisher_class = {"slow": Slow, "resetting": Resetting, "lying": Lying}[os.environ["MISDEED"]]
app = create_app(_settings, _publisher_class(make_publisher(_settings)))
