"""Losses and unacknowledged requests, as parts of verdict.json."""

from collections.abc import Iterable
from typing import Any

from headcount_analysis.causes.losses import LossGroup
from headcount_analysis.causes.unacknowledged import UnacknowledgedGroup
from headcount_analysis.report.csv_tables import iso_time
from headcount_analysis.report.model import Report


def losses_document(report: Report) -> dict[str, Any]:
    """Return the losses by acknowledged partition and by process, the most losses first."""
    return {
        "by_partition": _groups("partition", report.losses.by_partition),
        "by_process": _groups("process", report.losses.by_process),
    }


def unacknowledged_document(report: Report) -> list[dict[str, Any]]:
    """Return the unacknowledged requests, grouped by response, the largest group first."""
    return [_unacknowledged(report, group) for group in report.unacknowledged]


def _groups(name: str, groups: Iterable[LossGroup]) -> list[dict[str, Any]]:
    return [
        {
            name: group.key,
            "acked": group.acked,
            "lost": group.lost,
            "first_sent_at": iso_time(group.first_ns),
            "last_sent_at": iso_time(group.last_ns),
        }
        for group in groups
    ]


def _unacknowledged(report: Report, group: UnacknowledgedGroup) -> dict[str, Any]:
    first, last = (
        None if at_ns is None else iso_time(at_ns) for at_ns in (group.first_ns, group.last_ns)
    )
    return {
        "answer": group.answer,
        "reach": group.reach,
        "count": group.count,
        "first_sent_at": first,
        "last_sent_at": last,
        "by_event_type": dict(group.by_type),
        "by_class": dict(group.by_class),
        "sample": report.sample_of(group.answer),
    }
