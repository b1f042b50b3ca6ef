"""Waits until a run's part of the topic has settled, and meanwhile keeps recording its end."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from headcount_analysis.read.settling_policy import Reach, TopicLook, Waits

from headcount.errors import EvidenceError, HeadcountError
from headcount.run.manifest import EarlierEnd, End

_NAP_S = 0.5
FIRST_END_AT = 0.85
"""The share of the settle time at which the first timed end is recorded; below NEARLY_OVER_AT."""

RecordReach = Callable[[], Reach]
"""Records how far the topic reaches now. Raises PartError and EvidenceError."""


@dataclass(slots=True)
class SinceAnswer:
    """How long ago the last response came.

    Seals are written after the last response. `sealed_s` is the age of the youngest seal at the
    moment when this process first saw the seals, None if unknown. If the age is unknown, or
    negative because a clock was ahead, the time is counted from that first sight. If the ledger
    shows a later last response, it is counted from that response. So no clock that is behind or
    ahead can make the wait too short.
    """

    sealed_s: float | None
    _seen_ns: int = field(default_factory=time.time_ns)
    _seen_s: float = field(default_factory=time.monotonic)

    def at(self, monotonic_s: float) -> float:
        """Return a lower bound, in s, of the time from the last response to a monotonic time."""
        return max(0.0, self.sealed_s or 0.0) + monotonic_s - self._seen_s

    def use_last_response(self, answered_ns: int | None) -> None:
        """Use the ledger's time of the last response if it is later."""
        if self.sealed_s is not None and answered_ns is not None:
            self.sealed_s = min(self.sealed_s, (self._seen_ns - answered_ns) / 1e9)

    def restart(self) -> None:
        """Count from now: the service has just emptied its outbox."""
        self.sealed_s, self._seen_s = None, time.monotonic()


@dataclass(frozen=True, slots=True)
class _RecordedReach:
    """A reach, and the monotonic time at which it was recorded."""

    reach: Reach
    at_s: float


@dataclass(slots=True)
class TopicSettling:
    """Records the end of a topic until nothing is missing, or the settle time is over.

    `keep` saves the last end. When the settle time is over, a timer records the end, even if the
    messages before it are still being read.
    """

    record: RecordReach
    keep: Callable[[End], None]
    waits: Waits
    since: SinceAnswer
    _recorded: _RecordedReach = field(init=False)
    _read: _RecordedReach = field(init=False)
    _looks: list[TopicLook] = field(default_factory=list)
    _ends: list[EarlierEnd] = field(default_factory=list)
    _cut_short: str = ""
    _timed: "list[_TimedRecord]" = field(default_factory=list)

    def begin(self) -> Reach:
        """Wait for the minimum time to watch the topic, and record its end."""
        self._wait(self.waits.watch_for_s)
        self._recorded = self._read = _record(self.record)
        return self._recorded.reach

    @contextmanager
    def recording_in_time(self) -> Iterator[None]:
        """Record the end twice in the background while the block runs.

        The first time is shortly before the settle time is over, which shows whether events still
        arrive; the second is at its end.
        """
        now_s = self.since.at(time.monotonic())
        for at_s in (FIRST_END_AT * self.waits.settle_s, self.waits.settle_s):
            if at_s > now_s:
                self._timed.append(_TimedRecord(self.record, at_s, at_s - now_s))
        timed = tuple(self._timed)
        try:
            yield
        finally:
            for timer in timed:
                timer.cancel()

    def later(
        self, missing: int, answered_ns: int | None, progress: Callable[[str], None]
    ) -> Reach | None:
        """Wait, and return how far the topic reaches then; None once it has settled."""
        self._read = self._recorded
        self.since.use_last_response(answered_ns)
        while (at_s := self._next_look_s(missing)) is not None:
            if missing:
                left_s = max(0.0, self.waits.settle_s - self.since.at(time.monotonic()))
                progress(f"acknowledged events missing: {missing:,}; {left_s:.0f} s left")
            self._wait(at_s)
            try:
                self._recorded = self._look(is_missing=missing > 0)
            except HeadcountError as error:
                self._cut_short = str(error) if missing else ""
                return None
            if self._recorded.reach.end.end_offsets != self._read.reach.end.end_offsets:
                return self._recorded.reach
            self._read = self._recorded
        return None

    def settled(self, why_not: str = "") -> End:
        """Save and return the end of what was read, and how it settled."""
        last = self._read if why_not else self._recorded
        end = replace(
            last.reach.end,
            watched_s=math.floor(self.since.at(last.at_s) * 1000) / 1000,
            settle_s=self.waits.settle_s,
            moving=self.waits.moving(self._looks),
            cut_short=why_not or self._cut_short,
            earlier=self._earlier(last),
        )
        self.keep(end)
        return end

    def _earlier(self, last: _RecordedReach) -> tuple[EarlierEnd, ...]:
        """Return the ends before the last one; none unless all is sealed and events are missing."""
        end = last.reach.end
        if not (end.sealed and self._looks and self._looks[-1].missing):
            return ()
        return tuple(ended for ended in self._ends if ended.end_offsets != end.end_offsets)

    def _next_look_s(self, missing: int) -> float | None:
        at_s, offsets = self.since.at(self._recorded.at_s), self._recorded.reach.end.end_offsets
        if self._ends and self._ends[-1].end_offsets == offsets:
            # The same end: keep the later time, since nothing beyond it had arrived by then.
            self._ends.pop()
        self._ends.append(EarlierEnd(at_s, offsets))
        self._looks.append(TopicLook(at_s, missing))
        return self.waits.next_look_s(self._looks)

    def _overdue(self) -> _RecordedReach | None:
        """Return the first timed end that is due and newer than the last look; None without one."""
        while self._timed and self._timed[0].at_s <= self.since.at(time.monotonic()):
            timed = self._timed.pop(0)
            if timed.at_s > self._looks[-1].at_s:
                return timed.result()
        return None

    def _look(self, *, is_missing: bool) -> _RecordedReach:
        """Record the end again; while events are missing, prefer a timed one that is due."""
        recorded = (self._overdue() if is_missing else None) or _record(self.record)
        read, now = self._read.reach.end, recorded.reach.end
        for number, first in now.log_start_offsets.items():
            end = read.end_offsets.get(number)
            if end is not None and first > end:
                raise EvidenceError(
                    f"offsets {end} to {first - 1} of partition {number} were deleted by the "
                    "topic's retention before they were read: use a longer retention"
                )
        # Messages that were read before count as read, even if they have been deleted since.
        kept = {**now.log_start_offsets, **read.log_start_offsets}
        return replace(
            recorded, reach=replace(recorded.reach, end=replace(now, log_start_offsets=kept))
        )

    def _wait(self, at_s: float) -> None:
        while (left_s := at_s - self.since.at(time.monotonic())) > 0:
            time.sleep(min(left_s, _NAP_S))


def _record(record: RecordReach) -> _RecordedReach:
    at_s = time.monotonic()  # messages that arrive meanwhile may be left out
    return _RecordedReach(record(), at_s)


class _TimedRecord:
    """An end that a timer records, whatever the main thread is doing."""

    def __init__(self, record: RecordReach, at_s: float, after_s: float) -> None:
        self.at_s = at_s
        self._record = record
        self._recorded: _RecordedReach | None = None
        self._error: Exception | None = None
        self._timer = threading.Timer(after_s, self._run)
        self._timer.daemon = True
        self._timer.start()

    def _run(self) -> None:
        try:
            self._recorded = _record(self._record)
        except Exception as error:  # noqa: BLE001 - `result` raises it
            self._error = error

    def cancel(self) -> None:
        """Cancel the timer, unless the end is already being recorded."""
        self._timer.cancel()

    def result(self) -> _RecordedReach:
        """Wait until the end is recorded, and return it. Raises the error that prevented it."""
        self._timer.join()
        if self._error is not None:
            raise self._error
        assert self._recorded is not None, "result() was called after cancel()"
        return self._recorded
