"""Reporting: assembles the report of a run, whether or not it could be judged."""

from dataclasses import replace
from datetime import UTC, datetime

from headcount.run.marks import read_marks
from headcount_analysis.causes.exception_patterns import patterns
from headcount_analysis.causes.losses import losses
from headcount_analysis.causes.unacknowledged import unacknowledged
from headcount_analysis.judge import crashed
from headcount_analysis.measure import over_time, timeline
from headcount_analysis.measure.breakdown import breakdown
from headcount_analysis.measure.over_time import OverTime
from headcount_analysis.measure.run_span import run_span
from headcount_analysis.measure.threshold_results import ThresholdResult
from headcount_analysis.measure.timeline import Timeline
from headcount_analysis.pipeline.checks import CheckedRun
from headcount_analysis.pipeline.compare import ComparedRun
from headcount_analysis.pipeline.evidence import RunEvidence
from headcount_analysis.pipeline.plan import VerificationPlan
from headcount_analysis.pipeline.schedule import planned_rate, rates
from headcount_analysis.pipeline.table_places import FATES_FOLDER
from headcount_analysis.reconciliation.class_times import class_times
from headcount_analysis.report.earlier_run import earlier_runs, has_history_page
from headcount_analysis.report.model import Report
from headcount_analysis.report.versions import versions


def report(
    plan: VerificationPlan, comparison: ComparedRun, gathered: RunEvidence, checked: CheckedRun
) -> Report:
    """Assemble the report of a judged run. Raises EvidenceError and OSError."""
    time = run_span(comparison.read.ledger.times.spans_ns, gathered.evidence.clocks)
    span_s = 0.0 if time is None else time.seconds
    blocks, fates = comparison.blocks, plan.folder.path / FATES_FOLDER
    counts = gathered.evidence.counts
    return replace(
        _report(plan, checked),
        evidence=gathered.evidence,
        buckets=gathered.buckets,
        economy=gathered.economy,
        over_time=_over_time(plan, comparison),
        timeline=_timeline(plan, comparison),
        rates=rates(plan, sum(gathered.evidence.rows.values()), span_s),
        breakdown=breakdown([block.sample for block in blocks], comparison.binning.sampled_every),
        span_s=span_s,
        span_error_s=0.0 if time is None else time.error_ns / 1e9,
        fates=fates,
        patterns=(*patterns(fates, counts), *gathered.evidence.differences.patterns),
        class_times=class_times(fates, counts),
        losses=losses(fates, counts.lost),
        unacknowledged=unacknowledged(fates, counts),
    )


def crashed_report(plan: VerificationPlan, reason: str) -> Report:
    """Make the inconclusive report of a run that could not be judged."""
    unmeasured = tuple(ThresholdResult(threshold, None) for threshold in plan.thresholds)
    return _report(plan, CheckedRun(crashed(reason, plan.limits, unmeasured), unmeasured))


def _report(plan: VerificationPlan, checked: CheckedRun) -> Report:
    """Make a report without evidence."""
    return Report(
        manifest=plan.manifest,
        end=plan.end,
        limits=plan.limits,
        judgement=checked.judgement,
        thresholds=checked.thresholds,
        locust_exit=plan.folder.read_locust_exit(),
        verified_at=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=versions(plan.manifest),
        earlier=earlier_runs(plan.folder, plan.manifest),
        has_history_page=has_history_page(plan.folder),
    )


def _over_time(plan: VerificationPlan, comparison: ComparedRun) -> OverTime:
    parts = [block.course for block in comparison.blocks if block.course is not None]
    return over_time.over_time(comparison.binning.course, parts, planned_rate(plan))


def _timeline(plan: VerificationPlan, comparison: ComparedRun) -> Timeline:
    parts = [block.moments for block in comparison.blocks if block.moments is not None]
    return timeline.timeline(comparison.binning.timeline, parts, read_marks(plan.folder.marks_path))
