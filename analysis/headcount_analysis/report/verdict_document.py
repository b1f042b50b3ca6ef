"""verdict.json: the verdict as one JSON document, which all other readers use."""

import json
import math
from dataclasses import asdict
from typing import Any

from headcount.ledger.event_types import TOTAL
from headcount.run.address import without_secrets
from headcount.run.verdict import DOCUMENT_FORMAT, Check
from headcount_analysis.classes_and_flags import Counts
from headcount_analysis.evidence import Evidence
from headcount_analysis.measure.clocks import ClockOffset
from headcount_analysis.measure.generator_health import FleetHealth
from headcount_analysis.measure.latency import Latency
from headcount_analysis.measure.rates import Rates
from headcount_analysis.measure.threshold_results import ThresholdResult
from headcount_analysis.measure.timeline import TimelineEvent
from headcount_analysis.messages.timestamps import CREATE_TIME, LOG_APPEND_TIME
from headcount_analysis.read.partition_summary import PartitionRead
from headcount_analysis.reconciliation.class_times import ClassTimes
from headcount_analysis.report.causes_document import losses_document, unacknowledged_document
from headcount_analysis.report.csv_tables import iso_time
from headcount_analysis.report.differences_document import differences_document
from headcount_analysis.report.model import Report
from headcount_analysis.state.differences import StateCheck

_CLOCKS = {CREATE_TIME: "CreateTime", LOG_APPEND_TIME: "LogAppendTime"}


def dump(report: Report) -> str:
    """Return the document as JSON text."""
    return json.dumps(document(report), indent=2, ensure_ascii=False) + "\n"


def document(report: Report) -> dict[str, Any]:
    """Build the document. If no evidence could be gathered, `counts` is null."""
    manifest, counts, evidence = report.manifest, report.counts, report.evidence
    return {
        "format": DOCUMENT_FORMAT,
        "run_id": report.run_id,
        "verdict": report.verdict.value,
        "label": report.label.value,
        "checks": [_check(check) for check in report.checks],
        "reasons": list(report.reasons),
        "notes": list(report.notes),
        "differences": differences_document(report),
        "patterns": [{**asdict(pattern), "text": str(pattern)} for pattern in report.patterns],
        "losses": losses_document(report),
        "unacknowledged": unacknowledged_document(report),
        "state": report.state.result.value,
        "thresholds": [_threshold(result) for result in report.thresholds],
        "counts": None if counts is None else counts.as_dict(),
        "class_times": {name: _times(times) for name, times in report.class_times.items()},
        "by_event_type": {
            name: of_type.as_dict() for name, of_type in report.by_event_type.items()
        },
        "endpoints": {name: list(texts) for name, texts in report.endpoints.items()},
        "run_before": None if report.previous is None else report.previous.document.run_id,
        "span_s": report.span_s,
        "span_error_s": report.span_error_s if math.isfinite(report.span_error_s) else None,
        "offsets": _offsets(report),
        "latency_ms": [_latency(latency, report.rates) for latency in report.latencies],
        "limits": _limits(report),
        "allowed_unacked": list(report.limits.unacked),
        "acknowledged": _acknowledged(report),
        "looked_at": None if evidence is None else _looked_at(evidence),
        "ledger": None if evidence is None else _ledger(evidence),
        "state_check": _state(report.state),
        "locust": None if report.locust_exit is None else asdict(report.locust_exit),
        "generator": _generator(report.generators),
        "clocks": [] if evidence is None else [_clock(clock) for clock in evidence.clocks],
        "moments": [_moment(moment) for moment in report.timeline.moments],
        "timestamps": [] if evidence is None else _clocks(evidence),
        "scenario": manifest.scenario,
        "host": without_secrets(manifest.host),
        "topic": manifest.topic,
        "promise": manifest.promise,
        "cluster_id": manifest.cluster_id,
        "options": dict(manifest.options),
        "created_at": manifest.created_at,
        "ended_at": report.end.read_at,
        "watched_s": report.end.watched_s,
        "settle_s": report.end.settle_s,
        "verified_at": report.verified_at,
        "versions": dict(report.versions),
    }


def _times(times: ClassTimes) -> dict[str, str]:
    return {"first": iso_time(times.first_ns), "last": iso_time(times.last_ns)}


def _limits(report: Report) -> dict[str, int | None]:
    return {name: allowed for name, allowed in asdict(report.limits).items() if name != "unacked"}


def _acknowledged(report: Report) -> dict[str, float]:
    """Return the share of acknowledged attempts, in total and by event type."""
    rows = {TOTAL: report.counts or Counts(), **report.by_event_type}
    return {
        name: counts.acked / counts.attempted for name, counts in rows.items() if counts.attempted
    }


def _looked_at(evidence: Evidence) -> dict[str, Any]:
    """Return how many events could be checked for each flag; null if not counted."""
    known, order = evidence.checked, evidence.order
    return {
        "seen": known.seen,
        "late": known.timed,
        "misplaced": known.placed,
        "reordered": None if order is None else order.events,
        "unusable_timestamps": {unit.value: count for unit, count in evidence.unusable.items()},
        "unanswered": evidence.unanswered,
    }


def _offsets(report: Report) -> dict[str, Any]:
    """Return each partition's range of offsets; `read` is null if nothing was read."""
    if report.evidence is not None:
        return {
            str(partition.partition): _partition(partition)
            for partition in report.evidence.partitions
        }
    return {
        str(partition): {
            "start": report.manifest.start_offsets.get(partition, 0),
            "end": end,
            "read": None,
        }
        for partition, end in sorted(report.end.end_offsets.items())
    }


def _partition(partition: PartitionRead) -> dict[str, Any]:
    values = asdict(partition)
    del values["partition"]
    return {**values, "gaps": partition.gaps, "reached_end": partition.reached_end}


def _ledger(evidence: Evidence) -> dict[str, Any]:
    ledger = evidence.ledger
    return {
        "generators": [asdict(generator) for generator in ledger.generators],
        "torn": [generator.generator for generator in ledger.torn],
        "damage": list(ledger.damage),
    }


def _generator(generators: FleetHealth) -> dict[str, Any]:
    return {
        "saturated": generators.saturated,
        "evidence": list(generators.evidence),
        "missing_workers": generators.missing,
        "generators": [
            {
                "generator": health.generator,
                "cpu_percent_median": health.cpu_percent_median,
                "cpu_percent_max": health.cpu_percent_max,
                "schedule_lag_p99_ms": health.schedule_lag_p99_ms,
                "dropped": health.dropped,
            }
            for health in generators.known
        ],
    }


def _check(check: Check) -> dict[str, str | bool]:
    return {
        "name": check.name,
        "area": check.area.value,
        "result": check.result.value,
        "evidence": check.evidence,
        "remedy": check.remedy,
        "has_exceptions": check.has_exceptions,
    }


def _threshold(judged: ThresholdResult) -> dict[str, Any]:
    return {
        "text": judged.threshold.text,
        "holds": judged.holds,
        "result": judged.result.value,
        "value": judged.value,
        "shown": judged.shown,
    }


def _state(state: StateCheck) -> dict[str, Any]:
    return {
        "owners": state.owners,
        "numbers": state.numbers,
        "different": state.different,
        "why_not_checked": state.why_not,
    }


def _clocks(evidence: Evidence) -> list[str]:
    return [_CLOCKS.get(kind, f"type {kind}") for kind in sorted(evidence.timestamp_types)]


def _clock(clock: ClockOffset) -> dict[str, Any]:
    return {
        "generator": clock.generator,
        "offset_ms": clock.offset_ms,
        "uncertainty_ms": clock.uncertainty_ms,
        "correction_ms": clock.correction_ms,
        "has_moved": clock.has_moved,
        "events": clock.events,
        "answered_before_published": clock.published_later if clock.answers_first else 0,
    }


def _moment(moment: TimelineEvent) -> dict[str, Any]:
    return {
        "at": iso_time(moment.at_ns),
        "text": moment.text,
        "source": moment.source.value,
        "recovered_after_ms": moment.recovered_after_ms,
        "is_recovered": moment.is_recovered,
    }


def _latency(latency: Latency, rates: Rates) -> dict[str, Any]:
    return {
        **asdict(latency),
        **asdict(rates),
        "percentiles": {f"{quantile:g}": ms for quantile, ms in latency.percentiles.items()},
    }
