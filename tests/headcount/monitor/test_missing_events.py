"""Missing events: exactly the acknowledged events that were never seen, in bounded memory."""

import calendar
import json
import random
import time

import pytest

from headcount.monitor import missing_events as missing_module
from headcount.monitor.message_ids import Identities
from headcount.monitor.missing_events import MissingEvents
from headcount.monitor.seq_bitmap import PAGE, packed, pages_of, unpacked
from headcount.monitor.watch_gap import UNWATCHED_AFTER_S, WatchGap
from headcount.run import ids
from headcount.run.id_form import RunIds


@pytest.mark.parametrize("seed", range(5))
def test_missing_is_the_difference_of_two_sets(seed: int) -> None:
    """In any order, and across pages."""
    chance = random.Random(seed)
    order = chance.sample(range(3 * PAGE), 5_000)
    acked = [set(order[first : first + 500]) for first in range(0, len(order), 500)]
    seen: set[int] = set()
    known, due = MissingEvents(5), set[int]()
    for now_s in range(20):
        if now_s < len(acked):
            known.add_acked(0, pages_of(acked[now_s]), now_s)
        some = {chance.randrange(3 * PAGE) for _ in range(900)}
        seen |= some
        known.add_arrived(0, pages_of(some))
        known.settle(now_s)
        due = {seq for at_s, seqs in enumerate(acked) if at_s + 5 <= now_s for seq in seqs}
        assert known.count == len(due - seen)
        assert known.unseen == len(set().union(*acked[: now_s + 1]) - seen)


def test_pages_survive_serialization() -> None:
    """Including the last number of a page and the first of the next."""
    pages = pages_of([0, PAGE - 1, PAGE, 10**17])
    assert unpacked(json.loads(json.dumps(packed(pages)))) == pages
    assert sum(bits.bit_count() for bits in pages.values()) == 4


def test_forged_ids_make_nothing_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once they have filled the memory, no further events count as missing."""
    monkeypatch.setattr(missing_module, "MOST_PAGES", 3)
    known = MissingEvents(0)
    known.add_arrived(0, pages_of([PAGE * number for number in range(9)]))
    known.add_acked(0, pages_of([5 * PAGE]), 1)
    assert known.unseen == 0
    known.settle(1)
    assert known.count == 0


def test_it_is_cheap() -> None:
    """10,000 acknowledged and seen events per second take little time and memory."""
    known, began_s, sent = MissingEvents(10), time.process_time(), 0
    for second in range(20):
        pages = pages_of(range(10_000 * second, 10_000 * (second + 1)))
        sent = max(sent, len(json.dumps(packed(pages))))
        known.add_acked(0, pages, second)
        known.add_arrived(0, unpacked(packed(pages)))
        known.settle(second)
    assert known.count == 0
    assert sent < 5_000
    assert time.process_time() - began_s < 2


@pytest.mark.parametrize(
    ("value", "key", "headers"),
    [
        (b'{"X-Event-Id": "run-1.0.7"}', None, []),
        (b'{"x-event-id" : "run-1.0.7", "previous": "run-1.0.6"}', None, []),
        (b'{"previous": "run-1.0.6", "X-EVENT-ID": "run-1.0.7"}', None, []),
        (b'{"request_headers": {"HTTP_X_EVENT_ID": "run-1.0.7"}}', None, []),
        (b'"{\\"X-Event-Id\\": \\"run-1.0.7\\"}"', None, []),
        (b"\x00\x00\x00\x00\x07run-1.0.7", None, []),
        (b"{}", b"run-1.0.7", []),
        (None, None, [("other", None), ("X-Event-Id", b"run-1.0.7")]),
        (b"{}", b"k", [("X-Event-Id", "run-1.0.7")]),
    ],
)
def test_an_id_is_found_anywhere(
    value: bytes | None, key: bytes | None, headers: list[tuple[str, str | bytes | None]]
) -> None:
    """In the id field first, in any case; then anywhere."""
    assert Identities(RunIds("run-1")).of(value, key, headers).events == ((0, 7),)


@pytest.mark.parametrize(
    "value",
    [
        b'{"X-Event-Id": "my-run-1.0.7"}',
        b'{"X-Event-Id": "run-1.0.7.example.com"}',
        b'{"X-Event-Id": "run-1.0.07"}',
        b"https://run-1.example.com/0.7",
        b'{"owner": "run-1.0.o7"}',
        b"run-1.0.7x",
    ],
)
def test_only_a_whole_id_counts(value: bytes) -> None:
    """A part of an id identifies nothing."""
    assert Identities(RunIds("run-1")).of(value, None, []).events == ()


@pytest.mark.parametrize("value", [b"Got run-1.0.7.", b"trace_run-1.0.7", b"run-1.0.7,run"])
def test_whole_ids_are_those_of_the_verification(value: bytes) -> None:
    """Including at the end of a sentence, or after an underscore."""
    assert Identities(RunIds("run-1")).of(value, None, []).events == ((0, 7),)
    assert ids.whole_id("run-1").search(value)


def test_a_watch_gap_is_logged() -> None:
    """Once when it begins, with the thresholds it disables, and once when it ends."""
    noon = calendar.timegm((2026, 11, 29, 12, 3, 20))
    watch_gap = WatchGap(("lost == 0 abort",))
    assert watch_gap.update(UNWATCHED_AFTER_S, 0, "", noon) == ""
    change = watch_gap.update(110.5, 100, "connection refused", noon + 0.5)
    assert change == (
        "topic not watched since 12:03:10 UTC, so losses are not shown live (connection refused); "
        "until it is watched again, 'lost == 0 abort' cannot stop the test"
    )
    assert watch_gap.text == "topic not watched since 12:03:10 UTC, so losses are not shown live"
    assert watch_gap.update(150, 100, "", noon) == ""
    assert "watched again" in watch_gap.update(160, 159, "", noon)
    assert (watch_gap.text, watch_gap.update(161, 160, "", noon)) == ("", "")
