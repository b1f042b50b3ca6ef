"""Losses: counted by acknowledged partition and by process, where something is lost."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from headcount_analysis.causes.losses import Losses, LossGroup, losses

SCHEMA = pa.schema(
    [
        *[("acked_partition", pa.int32()), ("server", pa.string()), ("sent_at_ns", pa.int64())],
        *[("outcome", pa.string()), ("fate", pa.string())],
    ]
)


def test_groups_with_losses_are_listed_worst_first(tmp_path: Path) -> None:
    """All acknowledged requests count, in all files; groups without a loss or name do not."""
    rows = [
        (0, "a", 10, "acked", "delivered"),
        (0, "a", 11, "acked", "lost"),
        (1, "a", 12, "acked", "lost"),
        (None, "b", 13, "acked", "delivered"),
        (1, "a", 14, "acked", "lost"),
        (2, "a", 15, "acked", "duplicated"),
        (2, "a", 16, "indeterminate", "absent"),
        (None, None, 17, "acked", "lost"),
    ]
    (tmp_path / "fates").mkdir()
    for number, part in enumerate((rows[:3], rows[3:])):
        table = pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in part])
        pq.write_table(table.cast(SCHEMA), tmp_path / "fates" / f"{number}.parquet")

    assert losses(tmp_path / "fates", 4) == Losses(
        by_partition=(LossGroup("1", 2, 2, 12, 14), LossGroup("0", 2, 1, 11, 11)),
        by_process=(LossGroup("a", 5, 3, 11, 14),),
    )


def test_without_losses_nothing_is_read(tmp_path: Path) -> None:
    """A run without losses pays for nothing, even if its fates are gone."""
    assert losses(tmp_path / "missing", 0) == losses(None, 1) == Losses()
