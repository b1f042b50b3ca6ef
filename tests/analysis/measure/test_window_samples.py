"""Samples: parts of a run whose two generators have clocks that differ by 30 s."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from headcount_analysis.classes_and_flags import Counts
from headcount_analysis.measure.clocks import ClockOffset, bounds, merged
from headcount_analysis.measure.run_span import run_span
from headcount_analysis.measure.threshold_results import ThresholdResult, judged
from headcount_analysis.measure.window_samples import WindowSample, samples
from headcount_analysis.reconciliation import attempt_counts
from headcount_analysis.reconciliation.reconcile import FATES

from headcount.thresholds.grammar import parse

START_NS, S, MS = 1_700_000_000_000_000_000, 1_000_000_000, 1_000_000
REQUESTS, LENGTH_S, SKEW_S = 1000, 20, 30


def skewed_fates() -> pa.Table:
    """Two generators make 50 requests per second each, for 20 s; the second is 30 s ahead."""
    true = np.tile(np.linspace(0, LENGTH_S, REQUESTS), 2)
    generator = np.repeat([0, 1], REQUESTS)
    sent = START_NS + ((true + SKEW_S * generator) * S).astype(np.int64)
    broker_ms = (START_NS + (true * S).astype(np.int64)) // MS + 3
    rows = 2 * REQUESTS
    known = {
        "generator": generator,
        "intended_at_ns": sent,
        "sent_at_ns": sent,
        "answered_at_ns": sent + 5 * MS,
        "broker_at_ms": broker_ms,
        "entered_at_ns": broker_ms * MS,
        "copies": np.ones(rows),
        "event_type": ["A"] * rows,
        "outcome": ["acked"] * rows,
        "fate": ["delivered"] * rows,
        **dict.fromkeys(("corrupted", "reordered", "late", "misplaced"), [False] * rows),
    }
    columns = [pa.array(known.get(name, [None] * rows)).cast(kind) for name, kind in columns_of()]
    return pa.Table.from_arrays(columns, schema=FATES)


def columns_of() -> list[tuple[str, pa.DataType]]:
    """Return the name and type of every column."""
    return [(column.name, column.type) for column in FATES]


def results(
    texts: list[str], tmp_path: Path, clocks: tuple[ClockOffset, ...] | None = None
) -> list[ThresholdResult]:
    """Judge thresholds on the skewed run."""
    fates = skewed_fates()
    (tmp_path / "fates").mkdir(parents=True)
    pq.write_table(fates, tmp_path / "fates" / "0.parquet")
    spans = {
        number: (START_NS + SKEW_S * number * S, START_NS + (SKEW_S * number + LENGTH_S) * S)
        for number in (0, 1)
    }
    known = merged(bounds(fates)) if clocks is None else clocks
    attempts = attempt_counts.of_fates(fates, ["A"])
    whole = WindowSample(
        attempts.by_event_type, (), 0.0, checkable=attempts.checkable, clocks=known
    )
    thresholds = [parse(text) for text in texts]
    windows = [threshold.window for threshold in thresholds]
    by_window = samples(windows, whole, tmp_path / "fates", run_span(spans, known), ["A"])
    return list(judged(thresholds, by_window))


def test_clocks_that_differ_are_corrected(tmp_path: Path) -> None:
    """A clock that is 30 s ahead does not lower a rate of 100 requests per second."""
    expected = {
        "rps > 90": ("kept", 100),
        "rps > 110": ("broken", 100),
        "rps > 90 after 5s for 10s": ("kept", 100),
        "attempted > 390 after 5s for 4s": ("kept", 400),
    }
    for result in results(list(expected), tmp_path):
        verdict, value = expected[result.threshold.text]
        assert result.result.value == verdict, str(result)
        assert result.value == pytest.approx(value, rel=0.01)
    (after_the_end,) = results(["rps > 40 after 25s for 4s"], tmp_path / "again")
    assert (after_the_end.result.value, after_the_end.value) == ("unproven", None)
    assert "the run ended after 20.0 s" in str(after_the_end)


@pytest.mark.parametrize("clocks", [(), (ClockOffset(0, 0, 9 * MS, events=99),)])
def test_clocks_that_are_unknown_decide_nothing(
    tmp_path: Path, clocks: tuple[ClockOffset, ...]
) -> None:
    """Only what the span of one generator rules out is broken."""
    texts = ["rps > 90", "rps < 30", "attempted > 0 after 5s for 4s", "attempted < 1 after 30s"]
    for result in results(texts, tmp_path, clocks):
        assert result.result.value == "unproven", str(result)
        assert "clock of generator" in str(result)
    (impossible,) = results(["rps > 110"], tmp_path / "again", clocks)
    assert impossible.result.value == "broken"


def test_messages_count_without_any_request(tmp_path: Path) -> None:
    """A run that made no request may still have phantoms, and they break their threshold."""
    whole = WindowSample({"(unknown)": Counts(phantom=2)}, (), 0.0)
    thresholds = [parse("phantom == 0"), parse("lost == 0"), parse("lost == 0 after 1s")]
    by_window = samples([threshold.window for threshold in thresholds], whole, tmp_path, None, [])
    verdicts = [result.result.value for result in judged(thresholds, by_window)]
    assert verdicts == ["broken", "unproven", "unproven"]
