"""Live: a generator tells the master how it fares, once a second.

Where there is nobody to look (no web UI, and no threshold that aborts) nothing is told.
"""

from collections.abc import Callable

import gevent

from headcount.monitor.progress import ProgressCounter
from headcount.plugin.recorder import Recorder

PROGRESS = "headcount_progress"
"""The message of what is told."""
REPORT_EVERY_S = 1.0
NOTHING, COUNTS, DURATIONS = "", "counts", "durations"
"""How much generators tell."""


class ProgressReporter:
    """Tells what has begun and ended, and the last of it when asked.

    Args:
        generator: Its number.
        recorder: Where its attempts are kept.
        how_much: COUNTS or DURATIONS.
        send: Takes what is told to the master.
    """

    def __init__(
        self, generator: int, recorder: Recorder, how_much: str, send: Callable[[object], None]
    ) -> None:
        self._recorder, self._send = recorder, send
        self._tally = recorder.tally = ProgressCounter(
            generator, with_durations=how_much == DURATIONS
        )
        self._greenlet = gevent.spawn(self._report_for_ever)

    def finish(self) -> None:
        """Tell the last of it, once the recorder is sealed."""
        self._greenlet.kill()
        self._report()

    def _report_for_ever(self) -> None:
        while True:
            gevent.sleep(REPORT_EVERY_S)
            self._report()

    def _report(self) -> None:
        self._send(self._tally.report(self._recorder.in_flight_by_type()).packed())
