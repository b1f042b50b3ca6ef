"""Unacknowledged requests: grouped by response, with count, event types, first and last."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from headcount_analysis.causes.unacknowledged import UnacknowledgedGroup, unacknowledged
from headcount_analysis.classes_and_flags import Counts

SCHEMA = pa.schema(
    [
        *[("event_type", pa.string()), ("outcome", pa.string()), ("http_status", pa.int16())],
        *[("error", pa.string()), ("sent_at_ns", pa.int64()), ("fate", pa.string())],
    ]
)


def test_they_are_grouped_by_response_and_reach(tmp_path: Path) -> None:
    """A status counts once over all types and classes, an error up to its colon."""
    rows = [
        ("sword", "failed", 503, None, 10, "refused"),
        ("guild", "failed", 503, None, 8, "refused"),
        ("sword", "failed", 503, None, 12, "ghost"),
        ("sword", "indeterminate", 500, None, 13, "recovered"),
        ("sword", "indeterminate", None, "TimeoutError: after 10 s", 14, "absent"),
        ("sword", "indeterminate", None, "TimeoutError: after 11 s", 15, "absent"),
        (None, "indeterminate", None, None, None, None),
        ("sword", "acked", 200, None, 16, "lost"),
    ]
    table = pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows])
    pq.write_table(table.cast(SCHEMA), tmp_path / "fates")

    assert unacknowledged(tmp_path / "fates", Counts(failed=3, indeterminate=4)) == (
        UnacknowledgedGroup(
            *("503", "refused by the service", 3, 8, 12),
            {"sword": 2, "guild": 1},
            {"refused": 2, "ghost": 1},
        ),
        UnacknowledgedGroup(
            *("TimeoutError", "sent, but not answered", 2, 14, 15), {"sword": 2}, {"absent": 2}
        ),
        UnacknowledgedGroup(
            *("500", "answered, but not acknowledged", 1, 13, 13), {"sword": 1}, {"recovered": 1}
        ),
        UnacknowledgedGroup(
            *("no answer", "in flight when its generator ended", 1, None, None),
            {"(unknown)": 1},
            {"unclassed": 1},
        ),
    )


def test_if_all_were_acknowledged_nothing_is_read(tmp_path: Path) -> None:
    """A run without failures pays for nothing, even if its fates are gone."""
    assert unacknowledged(tmp_path / "missing", Counts(attempted=5, acked=5)) == ()
    assert unacknowledged(None, Counts(failed=1)) == ()
