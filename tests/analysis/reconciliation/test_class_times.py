"""Class times: the first and last send time of each class and flag that occurs."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from headcount_analysis.classes_and_flags import FLAGS, Counts
from headcount_analysis.reconciliation.class_times import ClassTimes, class_times

SCHEMA = pa.schema(
    [("sent_at_ns", pa.int64()), ("fate", pa.string()), *((flag, pa.bool_()) for flag in FLAGS)]
)


def a_row(fate: str, sent_at_ns: int | None, *flags: str) -> dict[str, object]:
    """Create a row of fates."""
    return {"fate": fate, "sent_at_ns": sent_at_ns, **{flag: flag in flags for flag in FLAGS}}


def test_the_times_are_those_of_each_class_and_flag(tmp_path: Path) -> None:
    """A class that was not counted, or whose rows have no send time, has no times."""
    rows = [
        *(a_row("delivered", 1), a_row("lost", 7), a_row("lost", 3), a_row("lost", 5)),
        *(a_row("delivered", 4, "corrupted"), a_row("absent", None)),
    ]
    path = tmp_path / "fates"
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), path, row_group_size=2)
    counts = Counts(attempted=6, delivered=2, lost=3, absent=1, corrupted=1)
    assert class_times(path, counts) == {"lost": ClassTimes(3, 7), "corrupted": ClassTimes(4, 4)}


def test_a_run_without_exceptions_reads_nothing(tmp_path: Path) -> None:
    """Its fates need not even exist."""
    assert class_times(tmp_path / "none", Counts(attempted=1, delivered=1, refused=1)) == {}
    assert class_times(None, Counts(lost=1)) == {}
