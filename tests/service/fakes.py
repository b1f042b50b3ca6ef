"""Fake publishers and producers that record what the service publishes."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from headcount_service.publish.events import Event
from headcount_service.publish.protocols import RecordPosition
from kafka.errors import KafkaTimeoutError


@dataclass(slots=True)
class RecordingPublisher:
    """Acknowledges every event without delay, or raises `failure`."""

    published: list[tuple[Event, str | None]] = field(default_factory=list)
    failure: Exception | None = None
    ready: bool = True
    place: RecordPosition | None = None

    def start(self) -> None:
        """Do nothing."""

    def publish(self, event: Event, key: str | None) -> RecordPosition | None:
        """Record the event, or raise the failure."""
        if self.failure is not None:
            raise self.failure
        self.published.append((event, key))
        return self.place

    def is_open(self) -> bool:
        """Return `ready`."""
        return self.ready

    def is_ready(self) -> bool:
        """Return `ready`."""
        return self.ready

    def close(self) -> None:
        """Do nothing."""


class FakePending:
    """A send whose outcome the test decides, as kafka-python's future would report it."""

    def __init__(self) -> None:
        self.record = SimpleNamespace(partition=3, offset=17)
        self._done = threading.Event()
        self._error: Exception | None = None
        self._callbacks: list[Callable[[Any], None]] = []
        self._errbacks: list[Callable[[Any], None]] = []

    def get(self, timeout: float) -> Any:
        """Wait; at the time-out raise what kafka-python raises."""
        if not self._done.wait(timeout):
            raise KafkaTimeoutError("no acknowledgement")
        if self._error is not None:
            raise self._error
        return self.record

    def add_callback(self, f: Callable[[Any], None]) -> None:
        """Keep `f`, or call it now if the outcome is known."""
        if not self._done.is_set():
            self._callbacks.append(f)
        elif self._error is None:
            f(None)

    def add_errback(self, f: Callable[[Any], None]) -> None:
        """Keep `f`, or call it now if the outcome is known."""
        if not self._done.is_set():
            self._errbacks.append(f)
        elif self._error is not None:
            f(self._error)

    def settle(self, error: Exception | None = None) -> None:
        """Acknowledge the send, or fail it."""
        self._error = error
        self._done.set()
        for callback in self._callbacks if error is None else self._errbacks:
            callback(error)


@dataclass(slots=True)
class FakeProducer:
    """Accepts every record; acknowledges without delay, or leaves that to the test."""

    acknowledges: bool = True
    refuses_with: Exception | None = None
    sent: list[tuple[str, bytes, bytes | None]] = field(default_factory=list)
    pending: list[FakePending] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)

    def send(self, topic: str, value: bytes, key: bytes | None) -> FakePending:
        """Accept a record, or raise `refuses_with`."""
        if self.refuses_with is not None:
            raise self.refuses_with
        self.sent.append((topic, value, key))
        self.pending.append(FakePending())
        if self.acknowledges:
            self.pending[-1].settle()
        return self.pending[-1]

    def close(self, timeout: float) -> None:
        """Record the call."""
        assert timeout >= 0
        self.closed.set()
