"""Losses: how many events each partition and process acknowledged, how many are lost, and when."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from headcount.run.request_outcome import Outcome
from headcount_analysis.causes.timed_groups import TimedGroups
from headcount_analysis.classes_and_flags import Fate

MOST_GROUPS = 500
"""How many partitions, and how many processes, are kept: those with the most losses."""


@dataclass(frozen=True, slots=True)
class LossGroup:
    """The losses of a partition or a process, named by `key`.

    It acknowledged `acked` requests, and the events of `lost` of them are lost; the first and the
    last of these were sent at `first_ns` and `last_ns`, Unix time.
    """

    key: str
    acked: int
    lost: int
    first_ns: int
    last_ns: int

    @property
    def share(self) -> float:
        """The part of the acknowledged requests that are lost."""
        return self.lost / self.acked


@dataclass(frozen=True, slots=True)
class Losses:
    """The losses by acknowledged partition and by process, the most losses first.

    Only partitions and processes with a loss are listed, and only those that responses name.
    """

    by_partition: tuple[LossGroup, ...] = ()
    by_process: tuple[LossGroup, ...] = ()


def losses(fates: Path | None, lost: int) -> Losses:
    """Count the losses in `fates.parquet`; nothing is read if nothing is `lost`. Raises OSError."""
    if fates is None or not lost:
        return Losses()
    by_partition, by_process = groups = [
        TimedGroups([name, "fate"]) for name in ("acked_partition", "server")
    ]
    batches = ds.dataset(fates, format="parquet").to_batches(
        columns=["acked_partition", "server", "fate", "sent_at_ns"],
        filter=pc.field("outcome") == Outcome.ACKED.value,
    )
    for batch in batches:
        for group in groups:
            group.add(pa.Table.from_batches([batch]))
    return Losses(
        tuple(_worst_first(by_partition.rows(), "acked_partition")),
        tuple(_worst_first(by_process.rows(), "server")),
    )


def _worst_first(rows: list[dict[str, Any]], name: str) -> list[LossGroup]:
    return sorted(_with_losses(rows, name), key=lambda group: -group.lost)[:MOST_GROUPS]


def _with_losses(rows: list[dict[str, Any]], name: str) -> Iterator[LossGroup]:
    acked: dict[object, int] = {}
    for row in rows:
        acked[row[name]] = acked.get(row[name], 0) + row["count"]
    for row in rows:
        if row["fate"] == Fate.LOST and row[name] is not None:
            times = row["first_ns"], row["last_ns"]
            yield LossGroup(str(row[name]), acked[row[name]], row["count"], *times)
