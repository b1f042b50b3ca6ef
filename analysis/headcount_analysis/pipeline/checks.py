"""Checks: measures the evidence against limits and thresholds, and judges."""

from dataclasses import dataclass, replace

from headcount_analysis.judge import Judgement, judge
from headcount_analysis.measure.run_span import run_span
from headcount_analysis.measure.threshold_results import ThresholdResult, judged
from headcount_analysis.measure.window_samples import WindowSample, samples
from headcount_analysis.pipeline.compare import ComparedRun
from headcount_analysis.pipeline.evidence import RunEvidence
from headcount_analysis.pipeline.plan import VerificationPlan
from headcount_analysis.pipeline.schedule import idle
from headcount_analysis.pipeline.table_places import FATES_FOLDER


@dataclass(frozen=True, slots=True)
class CheckedRun:
    """The judgement, and the result of each threshold."""

    judgement: Judgement
    thresholds: tuple[ThresholdResult, ...]


def check(plan: VerificationPlan, comparison: ComparedRun, gathered: RunEvidence) -> CheckedRun:
    """Measure the thresholds, then judge. Raises EvidenceError and OSError."""
    ledger = comparison.read.ledger
    span = run_span(ledger.times.spans_ns, gathered.evidence.clocks)
    idle_s, idle_doubt = idle(plan, gathered.evidence.generators.shortfall, span)
    measured = samples(
        [threshold.window for threshold in plan.thresholds],
        replace(_whole_run(gathered), idle_s=idle_s, idle_doubt=idle_doubt),
        plan.folder.path / FATES_FOLDER,
        span,
        ledger.state.event_types,
    )
    thresholds = judged(plan.thresholds, measured, plan.folder.read_abort())
    return CheckedRun(judge(gathered.evidence, plan.limits, thresholds), thresholds)


def _whole_run(gathered: RunEvidence) -> WindowSample:
    """Return the measurements of the whole run, without its length."""
    evidence = gathered.evidence
    return WindowSample(
        evidence.by_event_type,
        gathered.buckets,
        0.0,
        rowless=evidence.rowless,
        checkable=evidence.checkable,
        clocks=evidence.clocks,
        unusable=evidence.unusable,
        order=evidence.order,
        compares_content=evidence.compares_content,
    )
