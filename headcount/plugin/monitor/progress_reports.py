"""Progress reports: each generator reports its progress to the master once a second.

They are sent only if something uses them, such as a web UI or an `abort` threshold.
"""

from collections import Counter
from collections.abc import Callable

import gevent

from headcount.monitor.progress_counter import counter_of
from headcount.plugin.attempts.recorder import Recorder

PROGRESS = "headcount_progress"
"""The message that carries a report."""
REPORT_EVERY_S = 1.0


class ProgressReporter:
    """Reports attempts begun and ended every second, and once more on `finish`.

    Args:
        generator: The generator's number.
        recorder: Keeps the generator's attempts.
        detail: What the reports must contain, as `detail_of` returns it.
        send: Sends a report to the master.
        measure_lag: Returns the lateness of the generator's timers in the last second, in ms.
    """

    def __init__(
        self,
        generator: int,
        recorder: Recorder,
        detail: str,
        send: Callable[[object], None],
        measure_lag: Callable[[], float],
    ) -> None:
        self._recorder, self._send, self._measure_lag = recorder, send, measure_lag
        # A first report imports the code that counts: better now than after the first request.
        counter_of(generator, detail).report({})
        self._progress = counter_of(generator, detail)
        recorder.count_into(self._progress)
        self._greenlet = gevent.spawn(self._report_for_ever)

    def finish(self) -> None:
        """Send the last report, once the recorder is sealed."""
        self._greenlet.kill()
        self._report(is_last=True)

    def _report_for_ever(self) -> None:
        while True:
            gevent.sleep(REPORT_EVERY_S)
            self._report()

    def _report(self, *, is_last: bool = False) -> None:
        clock_s = self._recorder.now_ns / 1e9
        # No greenlet switch happens until the report is made, so that no attempt is left out.
        self._recorder.end_chunks()
        in_flight = self._recorder.attempts_in_flight()
        by_type = Counter(attempt.event_type for attempt in in_flight)
        sent_ns = {attempt.seq: attempt.sent_at_ns for attempt in in_flight}
        progress = self._progress.report(
            *(by_type, clock_s, sent_ns),
            lag_ms=self._measure_lag(),
            dropped=self._recorder.dropped,
            is_last=is_last,
        )
        self._send(progress.packed())
