"""OTLP delivery: hands messages to an exporter, and reports the first that fails."""

import logging
import time
from collections import deque
from collections.abc import Callable

from headcount.telemetry.export.export_settings import OtlpReceiver

FINISH_S = 3.0
"""How long the end of a run may wait for the last message to be sent."""
_LONGEST_REASON = 300


class OtlpDelivery:
    """Delivers one signal; `report` is called once, with the first problem."""

    def __init__(self, receiver: OtlpReceiver, report: Callable[[str], None]) -> None:
        self._receiver, self._report = receiver, report
        self._reasons = _LastReasons()
        self._is_reported = False

    def send(self, export: Callable[[], bool]) -> None:
        """Call `export`, which returns whether it has succeeded."""
        began_s = time.monotonic()
        try:
            is_sent = export()
            reason = self._reasons.text or f"no answer within {time.monotonic() - began_s:.0f} s"
        except Exception as error:  # noqa: BLE001 - a library's; the run goes on
            is_sent, reason = False, f"{type(error).__name__}: {error}"
        if not is_sent:
            self._report_once(reason)

    def give_up(self) -> None:
        """Report that the last message takes too long."""
        self._report_once(self._reasons.text or f"no answer within {FINISH_S:g} s")

    def _report_once(self, reason: str) -> None:
        if not self._is_reported:
            self._is_reported = True
            receiver = self._receiver
            reason = receiver.masked(" ".join(reason.split()))[:_LONGEST_REASON]
            self._report(f"{receiver.signal.words} cannot be sent to {receiver.address}: {reason}")


class _LastReasons(logging.Handler):
    """Keeps the last messages that the exporters log, which nothing else shows.

    Several are kept, because the last one may say only that the exporter gives up.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._messages: deque[str] = deque(maxlen=2)
        logger = logging.getLogger("opentelemetry")
        logger.propagate = False
        logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message."""
        self._messages.append(record.getMessage())

    @property
    def text(self) -> str:
        """The messages; empty if there are none."""
        return " / ".join(tuple(self._messages))
