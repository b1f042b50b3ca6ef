"""The run monitor: follows a run in the master, from its start until its verdict.

It combines the generators' reports with the topic watcher's counts, stops the test when an `abort`
threshold is broken, and starts the verification after the test.
"""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import gevent

from headcount.monitor.abort_rules import AbortRules, BrokenThreshold
from headcount.monitor.display.load_progress import ProgressFile
from headcount.monitor.display.run_view import RunStage, RunView
from headcount.monitor.live_stats import LiveStats
from headcount.monitor.progress import Progress
from headcount.monitor.progress_counter import detail_of
from headcount.monitor.watch_gap import WatchGap
from headcount.plugin.missing_verifier import why_not_verifiable
from headcount.plugin.monitor.run_metrics import RunMetrics
from headcount.plugin.monitor.watcher import Watcher
from headcount.plugin.shutdown.verification import Verification
from headcount.run.folder import RunFolder
from headcount.run.manifest import Abort, Manifest
from headcount.run.marks import LONGEST_TEXT, Mark, append_mark
from headcount.telemetry.export.exporter_process import ExportRequest
from headcount.thresholds.grammar import Threshold

POLL_EVERY_S = 1.0
WATCH_AFTER_END_S, WATCH_AT_MOST_S = 5.0, 120.0
"""The topic is watched for WATCH_AFTER_END_S after the settle time. If acknowledged events have not
arrived by then, it is watched until they have, or until WATCH_AT_MOST_S after the run's end."""

_log = logging.getLogger(__name__)


class RunMonitor:
    """Follows one run; calls `on_broken` with the threshold that must stop the test.

    It watches the topic if someone sees the counts (`is_shown`), they are exported, or a threshold
    needs them. With `progress_file`, it writes the run's state into it once a second.
    """

    def __init__(
        self,
        folder: RunFolder,
        manifest: Manifest,
        thresholds: Sequence[Threshold],
        on_broken: Callable[[BrokenThreshold], None],
        *,
        is_shown: bool,
        export: ExportRequest,
        progress_file: ProgressFile | None = None,
    ) -> None:
        self.folder, self._manifest = folder, manifest
        self._abort_rules = AbortRules(thresholds)
        self._stats = LiveStats(time.monotonic(), manifest.settle_s)
        self._watch_after_end_s = manifest.settle_s + WATCH_AFTER_END_S
        self._watch_gap = WatchGap(self._abort_rules.needing_topic)
        self._on_broken = on_broken
        self._broken: BrokenThreshold | None = None
        self._verification: Verification | None = None
        self._why_not = ""
        self._is_over = False
        self.finished_generators: set[int] = set()
        """The generators that have sent their last report."""
        self._progress_file = progress_file
        self._export = export
        self.metrics = RunMetrics(folder, self._stats, export)
        is_needed = export.needs_totals or bool(self._abort_rules.needing_topic)
        needs_watcher = is_shown or is_needed
        self._watcher = Watcher(folder) if needs_watcher else None
        self._greenlet = gevent.spawn(self._poll_for_ever)

    @property
    def report_detail(self) -> str:
        """What the generators' reports must contain, as `detail_of` returns it."""
        return detail_of(
            needs_durations=self._abort_rules.needs_durations,
            needs_histograms=self._export.is_read,
        )

    def receive(self, progress: Progress) -> None:
        """Add a generator's report."""
        self._stats.receive(progress, time.monotonic())
        self._abort_rules.receive(progress, time.time())
        self.metrics.receive(progress)
        if progress.is_last:
            self.finished_generators.add(progress.generator)

    def view(self) -> RunView:
        """Return the current state of the run."""
        stage, why_not = self._stage()
        verification = self._verification
        return RunView(
            self._manifest,
            stage,
            self._stats.snapshot(time.monotonic(), is_over=self._is_over),
            step=verification.step if verification and stage is RunStage.JUDGING else "",
            verdict=verification.verdict if verification and stage is RunStage.JUDGED else None,
            why_not=why_not,
            abort="" if self._broken is None else str(self._broken),
            not_watched=self._watch_gap.text,
        )

    def _stage(self) -> tuple[RunStage, str]:
        """The run's stage, and why it cannot be judged, if it cannot."""
        if self._verification is not None:
            stage = self._verification.stage
            return stage, self._verification.why_not if stage is RunStage.NOT_JUDGED else ""
        return (RunStage.NOT_JUDGED if self._is_over else RunStage.RUNNING), self._why_not

    def finish(self) -> None:
        """Record that the test is over, and start the verification."""
        self._is_over = True
        self._why_not = why_not_verifiable(f"verify {self.folder.run_id}")
        if not self._why_not:
            self._verification = Verification(self.folder)
        gevent.spawn(self._close_later)

    def stop(self) -> None:
        """Stop the watcher, and a verification that is still running."""
        self.metrics.update()
        self._close()
        if self._verification is not None:
            self._verification.stop()

    def _close_later(self) -> None:
        end_s = time.monotonic() + WATCH_AT_MOST_S
        gevent.sleep(self._watch_after_end_s)
        while self._stats.snapshot(time.monotonic()).total.behind and time.monotonic() < end_s:
            gevent.sleep(POLL_EVERY_S)
        self._close()

    def _close(self) -> None:
        self._greenlet.kill()
        if self._watcher is not None:
            self._watcher.stop()

    def _poll_for_ever(self) -> None:
        while True:
            gevent.sleep(POLL_EVERY_S)
            self._poll()
            self._write_progress()
            self.metrics.update()
            if self._broken is None and not self._is_over:
                self._broken = self._abort_rules.broken(self._stats)
                if self._broken is not None:
                    self._abort(self._broken)

    def _poll(self) -> None:
        """Add the watcher's new counts, and log when watching stops or resumes."""
        if self._watcher is None:
            return
        for counts in self._watcher.new_counts():
            self._stats.receive_topic(counts)
        problem = self._stats.problem or self._watcher.problem
        now_s, complete_at_s = time.monotonic(), self._stats.complete_at_s
        if change := self._watch_gap.update(now_s, complete_at_s, problem, time.time()):
            _log.warning("headcount: %s", change)

    def _write_progress(self) -> None:
        if self._progress_file is None:
            return
        try:
            self._progress_file.write(self._stats.snapshot(time.monotonic()), self._watch_gap.text)
        except OSError as error:
            _log.warning("headcount: the progress cannot be shown: %s", error)
            self._progress_file = None

    def _abort(self, broken: BrokenThreshold) -> None:
        """Record why the test is stopped, then stop it."""
        measured = broken.threshold.show(broken.value)
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        text = f"the test was stopped: {broken}"
        try:
            self.folder.write_abort(Abort(broken.threshold.text, measured, at))
            append_mark(self.folder.marks_path, Mark(time.time_ns(), text[:LONGEST_TEXT]))
        except OSError as error:
            _log.error("headcount: cannot record that %s: %s", text, error)
        self._on_broken(broken)
