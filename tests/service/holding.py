"""A WSGI module that serves the real application, but holds its events while a file exists.

`HOLD_FILE` names the file. While it exists, events are in flight; `/held` returns how many. Once it
is removed, events whose request has the header `X-Fail` fail, and the others are acknowledged.
`/large` publishes an event and responds with `LARGE_BYTES`. `/in_progress` returns whether requests
are in progress now, and whether any were when the file was last checked.
"""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from headcount_service.app import create_app
from headcount_service.errors import OutcomeUnknown
from headcount_service.http.deferred_response import DeferredResponse
from headcount_service.inflight import requests
from headcount_service.publish.events import Event
from headcount_service.publish.protocols import NoPublisher, RecordPosition
from headcount_service.settings import load_settings

_FILE = Path(os.environ["HOLD_FILE"])
_LARGE_BYTES = int(os.environ["LARGE_BYTES"])
_LOOK_EVERY_S = 0.01


class HeldPublication:
    """An event in flight; its outcome is the future's result."""

    def __init__(self, timeout_s: float, *, fails: bool) -> None:
        self.deadline_s = time.monotonic() + timeout_s
        self._fails = fails
        self._future: Future[RecordPosition] = Future()

    def when_settled(self, then: Callable[[], None]) -> None:
        """Call `then` once."""
        self._future.add_done_callback(lambda _: then())

    def settle(self) -> None:
        """Acknowledge the event, or fail it."""
        if self._fails:
            self._future.set_exception(OutcomeUnknown("As asked."))
        else:
            self._future.set_result(RecordPosition(1, 2))

    def place(self) -> RecordPosition | None:
        """Wait for the outcome."""
        try:
            return self._future.result(max(0.0, self.deadline_s - time.monotonic()))
        except TimeoutError as error:
            raise OutcomeUnknown("Too late.") from error


class HoldingPublisher(NoPublisher):
    """Acknowledges its events once the file is gone."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._held: list[HeldPublication] = []
        self.was_busy = False

    def start(self) -> None:
        """Start to check for the file."""
        threading.Thread(target=self._look, daemon=True).start()

    def hand_over(self, event: Event, _key: str | None) -> HeldPublication:
        """Hold an event."""
        held = HeldPublication(self._timeout_s, fails="X-Fail" in event)
        with self._lock:
            self._held.append(held)
        return held

    def count(self) -> int:
        """Return how many events are in flight."""
        return len(self._held)

    def _look(self) -> None:
        while True:
            if not _FILE.exists():
                with self._lock:
                    for held in self._held:
                        held.settle()
                    self._held.clear()
            self.was_busy = not requests.is_none()
            time.sleep(_LOOK_EVERY_S)


def _large() -> DeferredResponse:
    publication = publisher.hand_over({}, None)
    return DeferredResponse("x" * _LARGE_BYTES, publication, good=lambda good, _: good, bad=_raise)


def _raise(error: Exception) -> DeferredResponse:
    raise error


_settings = load_settings()
publisher = HoldingPublisher(_settings.ack_timeout_s)
app = create_app(_settings, publisher)
app.add_url_rule("/held", "held", lambda: str(publisher.count()))
app.add_url_rule("/large", "large", _large)
app.add_url_rule(
    "/in_progress", "in_progress", lambda: f"{not requests.is_none()} {publisher.was_busy}"
)
