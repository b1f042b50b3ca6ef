"""A pass is earned: end-to-end verification of runs with less evidence than it seems."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from headcount_analysis.blocks import seq_block
from headcount_analysis.blocks.seq_block import BlockInput
from headcount_analysis.judge import Limits
from headcount_analysis.ledger.overview import Ledger
from headcount_analysis.measure.histogram import Measure
from headcount_analysis.pipeline import compare
from headcount_analysis.read.topic_rows import Groups
from headcount_analysis.report.model import Report

from headcount.ledger.event_types import TOTAL
from headcount.run.verdict import Label
from headcount.thresholds.grammar import parse
from tests.analysis.synthetic_run import MS, START_NS, RunHistory, event_id

pytestmark = pytest.mark.e2e

START_MS = START_NS // MS
LARGEST = (1 << 63) - 1


def document(history: RunHistory) -> dict[str, object]:
    """Read verdict.json."""
    content: dict[str, object] = json.loads((history.folder.path / "verdict.json").read_text())
    return content


def end_to_end_ms(report: Report) -> tuple[int, float, float]:
    """Return the number of measured events, and their shortest and longest time."""
    (latency,) = (
        latency
        for latency in report.latencies
        if (latency.event_type, latency.measure) == (TOTAL, Measure.END_TO_END)
    )
    return latency.count, latency.min_ms, latency.max_ms


Choose = Callable[[Sequence[BlockInput]], list[BlockInput]]


def without_a_segment(inputs: Sequence[BlockInput]) -> list[BlockInput]:
    """Leave out one of the segments."""
    return [
        block_input
        if block_input.seqs is None
        else replace(
            block_input, seqs=replace(block_input.seqs, segments=block_input.seqs.segments[1:])
        )
        for block_input in inputs
    ]


def without_a_generator(inputs: Sequence[BlockInput]) -> list[BlockInput]:
    """Leave out a generator that has no messages to compare."""
    return [
        block_input
        if block_input.seqs is None
        else replace(
            block_input,
            seqs=replace(
                block_input.seqs,
                asked=block_input.seqs.asked[:1],
                segments=tuple(s for s in block_input.seqs.segments if s[0].startswith("0/")),
            ),
        )
        for block_input in inputs
    ]


@pytest.mark.parametrize(
    ("choose", "doubt"),
    [
        (without_a_segment, "generator 0 sealed 8 attempts, but 4 of its rows were compared"),
        (without_a_generator, "generator 1 sealed 3 attempts, but 0 of its rows were compared"),
    ],
)
def test_rows_that_were_not_compared_are_missed(
    choose: Choose, doubt: str, history: RunHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if no class exceeds its limit and every message of the run was compared."""

    def chosen(ledger: Ledger, groups: Groups, span: int) -> list[BlockInput]:
        return choose(seq_block.block_inputs(ledger, groups, span))

    history.deliver(8)
    for seq in range(3):
        history.attempt(seq, "indeterminate", generator=1, took_ms=None)
    assert history.verified().label is Label.PASS
    monkeypatch.setattr(compare, "block_inputs", chosen)

    report = history.verified_again()

    assert report.label is Label.INCONCLUSIVE
    assert report.reasons[0].startswith(doubt)


@pytest.mark.parametrize(
    ("timestamp_ms", "description"),
    [
        (START_MS * 1000, "1 has a timestamp that looks like microseconds"),
        (START_NS, "1 has a timestamp that looks like nanoseconds"),
        (START_MS // 1000, "1 has a timestamp that looks like seconds"),
        (-1, "1 has no timestamp"),
        (LARGEST, "1 has a timestamp far from the run"),
        (-LARGEST - 1, "1 has no timestamp"),
    ],
)
def test_one_timestamp_that_is_not_a_time(
    timestamp_ms: int, description: str, history: RunHistory
) -> None:
    """The note describes it; it crashes nothing and counts in no duration."""
    history.deliver(30)
    history.arrive(event_id(3), 30)  # an exception, whose times are written to a table
    history.limits = Limits(duplicated=1, late=0)
    history.timestamps_ms = {3: timestamp_ms, 30: timestamp_ms}
    history.thresholds = (
        parse("end_to_end.p90 < 300ms"),
        parse("end_to_end.max < 300ms after 0s"),
    )

    report = history.verified()

    assert report.label is Label.INCONCLUSIVE
    percentile, longest = report.thresholds
    assert percentile.holds
    assert percentile.remark == f"29 of 30 events have a usable timestamp: {description}"
    assert (longest.result.value, longest.value) == ("unproven", 4.0)
    assert end_to_end_ms(report) == (29, 4.0, 4.0)
    assert any(description in note for note in report.notes)
    assert report.counts is not None
    assert report.counts.late == 0
    assert document(history)["looked_at"] == {
        "seen": 30,
        "late": 29,
        "misplaced": 0,
        "reordered": None,
        "unusable_timestamps": dict.fromkeys(report.evidence.unusable, 1),  # type: ignore[union-attr]
        "unanswered": 0,
    }


def test_no_timestamp_is_a_time(history: RunHistory) -> None:
    """No time is measured, and `late` has nothing to check."""
    history.deliver(5)
    history.timestamps_ms = {place: (START_MS + 10 * place) * 1000 for place in range(5)}
    history.limits = Limits(late=0)
    report = history.verified()
    description = "5 have timestamps that look like microseconds"
    assert report.label is Label.INCONCLUSIVE
    assert report.reasons[0].startswith(f"0 of 5 events could be checked: {description}")
    assert not any(latency.measure is Measure.END_TO_END for latency in report.latencies)


@pytest.mark.parametrize("offset_ms", [-500, 400])
def test_times_are_corrected_by_the_offset_of_the_clocks(
    offset_ms: int, history: RunHistory
) -> None:
    """In every table; a threshold is not kept because of an offset alone."""
    history.deliver(40)
    history.messages = [
        (partition, offset, at_ms + offset_ms, key, value)
        for partition, offset, at_ms, key, value in history.messages
    ]
    texts = ("end_to_end.p99 < 300ms", "end_to_end.p99 < 1s", "end_to_end.p99 < 300ms after 100ms")
    history.thresholds = tuple(map(parse, texts))

    report = history.verified()

    count, least_ms, most_ms = end_to_end_ms(report)
    assert count == 40
    assert 2 <= least_ms <= most_ms <= 6
    results = [result.result.value for result in report.thresholds]
    unclear = "kept" if offset_ms < 0 else "unproven"
    assert results == [unclear, "kept", unclear]
    assert all(result.value is not None and 2 <= result.value <= 6 for result in report.thresholds)
    for group in report.breakdown.groups:
        assert group.measure is not Measure.END_TO_END or 2 <= group.max_ms <= 6
    for slice_ in report.over_time.latency[Measure.END_TO_END]:
        assert 2 <= slice_.percentiles.max_ms <= 6


def test_a_service_that_answers_before_it_publishes(history: RunHistory) -> None:
    """Its clock does not move; a note says how many events it answered too early."""
    chance = random.Random(3)
    for seq in range(60):
        history.attempt(seq, sent_ms=20 * seq, took_ms=2)
        history.arrive(event_id(seq), seq, at_ms=20 * seq + chance.randrange(10, 5000))
    report = history.verified()
    assert report.label is Label.PASS
    assert any(
        note.startswith(
            "for 60 of 60 events of generator 0, the service answered before it published"
        )
        for note in report.notes
    )
    assert not any("moved" in note for note in report.notes)
    assert end_to_end_ms(report)[1] > 0


def test_order_is_checked_if_it_has_a_limit(history: RunHistory) -> None:
    """Events of one key in several partitions have no order, however many there are."""
    history.limits = Limits(reordered=0)
    history.start = dict.fromkeys(range(3), 0)
    for seq in range(9):
        history.attempt(seq, sent_ms=20 * seq)
        history.arrive(event_id(seq), seq // 3, partition=seq % 3, at_ms=20 * seq + 3, key="p1")
    report = history.verified()
    assert report.label is Label.INCONCLUSIVE
    why = "the others have no key (0), a key in several partitions (9), or"
    assert report.reasons[0].startswith(f"0 of 9 events could be checked: {why}")


def test_a_service_that_hangs_for_the_second_half_is_noticed(history: RunHistory) -> None:
    """The rate, which counts the time until the last response, and the durations show it."""
    for seq in range(20):
        hangs = seq >= 10
        outcome = "indeterminate" if hangs else "acked"
        history.attempt(
            seq, outcome, sent_ms=100 * seq, took_ms=None if hangs else 5, waited_ms=8100
        )
        if not hangs:
            history.arrive(event_id(seq), seq, at_ms=100 * seq + 3)
    history.thresholds = (parse("rps > 5"), parse("http.p90 < 1s"), parse("rps > 5 after 1s"))
    report = history.verified()
    assert [result.result.value for result in report.thresholds] == ["broken"] * 3
    assert report.rates.achieved_per_s == pytest.approx(2.0)
    assert report.thresholds[1].value == pytest.approx(8100)
    assert any(note.startswith("10 of 20 requests had no response") for note in report.notes)
