"""The monitor: follows a run from the master, while it goes on and until it is judged.

It puts together what the generators tell and what the watch sees, stops the test when a threshold
that aborts is broken, and has the run judged when that is wanted.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import gevent

from headcount.monitor.abort_rules import AbortRules, BrokenThreshold
from headcount.monitor.live_stats import LiveSnapshot, LiveStats
from headcount.monitor.progress import Progress
from headcount.monitor.watch_gap import WatchGap
from headcount.plugin.monitor.progress_reports import COUNTS, DURATIONS
from headcount.plugin.monitor.watcher import Watcher
from headcount.plugin.shutdown.verification import RunStage, Verification, cannot_judge
from headcount.run.folder import RunFolder
from headcount.run.manifest import Abort, Manifest
from headcount.run.marks import LONGEST_TEXT, Mark, append_mark
from headcount.thresholds.grammar import Threshold

LOOK_EVERY_S = 1.0
WATCH_AFTER_END_S, WATCH_AT_MOST_S = 5.0, 120.0
"""How long the topic is looked at after what events may take to arrive, and how long after the end
if something is still on its way."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class View:
    """All that is known of a run at a time."""

    run_id: str
    stage: RunStage
    reading: LiveSnapshot
    judging: Verification | None
    why_not: str
    abort: str
    not_watched: str


class RunMonitor:
    """Follows one run; `on_broken` is told of the threshold that is to stop it.

    The topic is looked at where `is_shown` says that somebody sees it, or a threshold needs it.
    """

    def __init__(
        self,
        folder: RunFolder,
        manifest: Manifest,
        thresholds: Sequence[Threshold],
        on_broken: Callable[[BrokenThreshold], None],
        *,
        is_shown: bool,
    ) -> None:
        self.folder = folder
        self._guard = AbortRules(thresholds)
        self._gauge = LiveStats(time.monotonic(), manifest.settle_s)
        self._watch_after_end_s = manifest.settle_s + WATCH_AFTER_END_S
        self._blindness = WatchGap(self._guard.needing_topic)
        self._on_broken = on_broken
        self._broken: BrokenThreshold | None = None
        self._judging: Verification | None = None
        self._why_not = ""
        self._is_over = False
        needs_watch = is_shown or bool(self._guard.needing_topic)
        self._watch = Watcher(manifest, folder) if needs_watch else None
        self._greenlet = gevent.spawn(self._look_for_ever)

    @property
    def how_much(self) -> str:
        """How much generators are to tell."""
        return DURATIONS if self._guard.needs_durations else COUNTS

    def receive(self, progress: Progress) -> None:
        """Take what a generator tells."""
        self._gauge.receive(progress, time.monotonic())
        self._guard.receive(progress)

    def view(self) -> View:
        """Say all that is known now."""
        stage, why_not = self._stage()
        reading = self._gauge.read(time.monotonic())
        abort = "" if self._broken is None else str(self._broken)
        not_watched = self._blindness.text
        return View(self.folder.run_id, stage, reading, self._judging, why_not, abort, not_watched)

    def _stage(self) -> tuple[RunStage, str]:
        """How far the run has come, and why it is not judged, if it is not to be."""
        if self._judging is not None:
            stage = self._judging.stage
            return stage, self._judging.why_not if stage is RunStage.NOT_JUDGED else ""
        return (RunStage.NOT_JUDGED if self._is_over else RunStage.RUNNING), self._why_not

    def finish(self) -> None:
        """Note that the test is over, and have the run judged."""
        self._is_over = True
        self._why_not = cannot_judge()
        if not self._why_not:
            self._judging = Verification(self.folder)
        gevent.spawn(self._close_in_time)

    def stop(self) -> None:
        """End what belongs to it: the watch, and a judgement that is not done."""
        self._close()
        if self._judging is not None:
            self._judging.stop()

    def _close_in_time(self) -> None:
        end_s = time.monotonic() + WATCH_AT_MOST_S
        gevent.sleep(self._watch_after_end_s)
        while self._gauge.read(time.monotonic()).total.behind and time.monotonic() < end_s:
            gevent.sleep(LOOK_EVERY_S)
        self._close()

    def _close(self) -> None:
        self._greenlet.kill()
        if self._watch is not None:
            self._watch.stop()

    def _look_for_ever(self) -> None:
        while True:
            gevent.sleep(LOOK_EVERY_S)
            self._look()
            self._gauge.mark(time.monotonic())
            if self._broken is None and not self._is_over:
                self._broken = self._guard.broken(self._gauge)
                if self._broken is not None:
                    self._abort(self._broken)

    def _look(self) -> None:
        """Take what the watch has seen, and log when it begins and ceases to see."""
        if self._watch is None:
            return
        for sight in self._watch.sights():
            self._gauge.see(sight)
        problem = self._gauge.problem or self._watch.problem
        now_s, complete_at_s = time.monotonic(), self._gauge.complete_at_s
        if change := self._blindness.note(now_s, complete_at_s, problem, time.time()):
            _log.warning("headcount: %s", change)

    def _abort(self, broken: BrokenThreshold) -> None:
        """Write down why the test is stopped, then have it stopped."""
        measured = broken.threshold.show(broken.value)
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        text = f"the test was stopped: {broken}"
        try:
            self.folder.write_abort(Abort(broken.threshold.text, measured, at))
            append_mark(self.folder.marks_path, Mark(time.time_ns(), text[:LONGEST_TEXT]))
        except OSError as error:
            _log.error("headcount: it cannot be written down that %s: %s", text, error)
        self._on_broken(broken)
