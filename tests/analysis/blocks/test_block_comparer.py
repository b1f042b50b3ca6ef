"""Blocks: comparing in many blocks gives the same result as in one."""

import random
from dataclasses import replace

import pyarrow.dataset as ds
import pytest
from headcount_analysis.read import topic_rows
from headcount_analysis.report.model import Report

from tests.analysis.synthetic_run import RunHistory, event_id

pytestmark = pytest.mark.e2e


def troubled(history: RunHistory) -> None:
    """Add 120 attempts of three generators, with at least one of each pathology."""
    chance = random.Random(11)
    placed: list[tuple[int, int, int]] = []
    for seq in range(40):
        for generator in range(3):
            outcome = chance.choices(("acked", "failed", "indeterminate"), (8, 1, 1))[0]
            sent_ms = 10 * seq + generator
            history.attempt(
                seq, outcome, generator=generator, sent_ms=sent_ms, server=f"s{seq // 30}"
            )
            placed += [(seq, generator, sent_ms)] * chance.choices((0, 1, 2), (1, 8, 1))[0]
    for number in (5, 40, 90):  # far out of order, across blocks
        placed.append(placed.pop(number))
    for offset, (seq, generator, sent_ms) in enumerate(placed):
        metal = "gold" if offset % 17 == 0 else "iron"
        history.arrive(
            event_id(seq, generator),
            offset // 2,
            partition=offset % 2,
            at_ms=sent_ms + 3,
            key="a" if seq % 2 else "b",
            event={"event_type": "purchase_sword", "metal": metal},
        )
    history.arrive(event_id(77, 0), 1000, partition=1)
    history.arrive("else.0.1", 1001, partition=1)
    history.arrive_raw(b"{", 1002, partition=1)


def fates(history: RunHistory) -> list[dict[str, object]]:
    """Return the rows of fates.parquet, sorted by id."""
    dataset = ds.dataset(history.folder.path / "fates.parquet", format="parquet")
    return sorted(dataset.to_table().to_pylist(), key=lambda row: str(row["id"]))


def without_time(report: Report) -> Report:
    """Return a report without the time at which it was made."""
    return replace(report, verified_at="", buckets=tuple(sorted(report.buckets, key=str)))


@pytest.mark.slow
def test_many_blocks_give_the_same_result_as_one(
    history: RunHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same fates, counts, latencies, course, timeline and verdict, row by row."""
    troubled(history)
    whole = history.verified()
    expected = fates(history)
    monkeypatch.setattr(topic_rows, "BLOCK_ROWS", 15)
    parted = history.verified_again()

    assert fates(history) == expected
    assert without_time(parted) == without_time(whole)
    kept = {path.name for path in (history.folder.path / "fates.parquet").iterdir()}
    assert len(kept) == 9
    wrong = {(row["generator"], row["seq"]) for row in expected if row["reordered"]}
    assert len(wrong) >= 2
    assert not list(history.folder.path.glob(".*"))
