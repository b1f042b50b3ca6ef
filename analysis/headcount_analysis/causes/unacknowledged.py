"""Unacknowledged requests by their response: how many, when sent, and of which event types.

Their outcome is failed or indeterminate; even so, the events of some may be in the topic.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from headcount.ledger.event_types import UNKNOWN
from headcount.run.request_outcome import Outcome
from headcount_analysis.causes.timed_groups import TimedGroups
from headcount_analysis.classes_and_flags import UNCLASSED, Counts
from headcount_analysis.reconciliation import attempt_counts
from headcount_analysis.reconciliation.reach import reach_of_request

MOST_GROUPS = 200
"""At most this many responses are kept: the most frequent."""

_READ = ["event_type", "outcome", "http_status", "error", "sent_at_ns", "fate"]
_KEYS = ("event_type", "outcome", "answer", "has_status", "is_sent", "fate")


@dataclass(frozen=True, slots=True)
class UnacknowledgedGroup:
    """The requests that had the same response and got equally far.

    `answer` is an HTTP status, an error, or `no answer`; `reach` says how far they got. The first
    and the last were sent at `first_ns` and `last_ns`, Unix time, None if that is unknown.
    `by_type` and `by_class` count them by event type and by class, the most frequent first.
    """

    answer: str
    reach: str
    count: int
    first_ns: int | None
    last_ns: int | None
    by_type: Mapping[str, int]
    by_class: Mapping[str, int]


def unacknowledged(fates: Path | None, counts: Counts) -> tuple[UnacknowledgedGroup, ...]:
    """Group the requests in `fates.parquet` that were not acknowledged, the most frequent first.

    If there are none, nothing is read. Raises OSError.
    """
    if fates is None or not counts.failed + counts.indeterminate:
        return ()
    groups = TimedGroups(_KEYS)
    is_unacked = pc.field("outcome").isin([Outcome.FAILED.value, Outcome.INDETERMINATE.value])
    dataset = ds.dataset(fates, format="parquet")
    for batch in dataset.to_batches(columns=_READ, filter=is_unacked):
        groups.add(_keyed(pa.Table.from_batches([batch])))
    by_answer: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in groups.rows():
        reach = reach_of_request(
            row["outcome"], has_status=row["has_status"], is_sent=row["is_sent"]
        )
        by_answer.setdefault((row["answer"], reach), []).append(row)
    merged = (_merged(*key, rows) for key, rows in by_answer.items())
    return tuple(sorted(merged, key=lambda group: -group.count)[:MOST_GROUPS])


def _keyed(attempts: pa.Table) -> pa.Table:
    answers = attempt_counts.answers(attempts).fill_null(attempt_counts.NO_ANSWER)
    return pa.table(
        {
            "event_type": attempts["event_type"],
            "outcome": attempts["outcome"],
            "answer": answers,
            "has_status": attempts["http_status"].is_valid(),
            "is_sent": attempts["sent_at_ns"].is_valid(),
            "sent_at_ns": attempts["sent_at_ns"],
            "fate": attempts["fate"],
        }
    )


def _merged(answer: str, reach: str, rows: Iterable[Mapping[str, Any]]) -> UnacknowledgedGroup:
    by_type, by_class = Counter[str](), Counter[str]()
    for row in rows:
        by_type[row["event_type"] or UNKNOWN] += row["count"]
        by_class[row["fate"] or UNCLASSED] += row["count"]
    firsts, lasts = (
        [row[name] for row in rows if row[name] is not None] for name in ("first_ns", "last_ns")
    )
    return UnacknowledgedGroup(
        answer,
        reach,
        by_type.total(),
        min(firsts, default=None),
        max(lasts, default=None),
        _most_first(by_type),
        _most_first(by_class),
    )


def _most_first(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
