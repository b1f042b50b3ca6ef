"""The Delivery tab's content: figures of the live counts, then those of the verdict."""

from dataclasses import replace
from typing import Any

from headcount.monitor.display.delivery_content import content
from headcount.monitor.display.run_view import RunStage, RunView
from headcount.monitor.live_stats import LiveStats
from headcount.monitor.progress import Ended, Progress
from headcount.monitor.seq_bitmap import packed, pages_of
from headcount.monitor.topic_counts import TopicCounts
from headcount.palette import colours
from headcount.run.verdict import Area, Check, Result, StoredVerdict, Verdict
from tests.manifests import MANIFEST

COUNTS = {
    "attempted": 2_000,
    "acked": 1_940,
    "failed": 50,
    "indeterminate": 10,
    "delivered": 1_916,
    "lost": 24,
    "refused": 49,
    "ghost": 1,
    "recovered": 10,
}
LOST = Check("lost", Result.BROKEN, "24 lost", "look at the exceptions", Area.DELIVERY)


def running(*, is_watched: bool = True) -> RunView:
    """A run of 30 attempts: 20 acknowledged, 2 of them missing, and 3 on the way."""
    stats = LiveStats(0, settle_s=5)
    ended = [("acked", "", 20), ("failed", "503", 4), ("indeterminate", "Timeout", 1)]
    progress = Progress(
        *(0, {"sword": 30}, tuple(Ended(0, "sword", *attempt) for attempt in ended)),
        acked=pages_of(range(17)),
        first_sent_ns=1_764_500_000 * 10**9,
        starts={0: 0},
        clock_s=1_764_500_004.0,
    )
    stats.receive(progress, 1)
    if is_watched:
        seen = {0: packed(pages_of(range(15)))}
        stats.receive_topic(TopicCounts(9, 9, {"sword": 15}, 0, 0, seen))
    return RunView(MANIFEST, RunStage.RUNNING, stats.snapshot(9))


def judged(**verdict: Any) -> RunView:
    """The same run with a verdict, whose counts differ from the live ones."""
    stored = StoredVerdict("run-1", Verdict.FAIL, reasons=("24 lost",), checks=(LOST,))
    return replace(running(), stage=RunStage.JUDGED, verdict=replace(stored, **verdict))


def parts(shown: dict[str, Any]) -> dict[str, int]:
    """Return the parts of all attempts by name."""
    return {part["name"]: part["count"] for part in shown["parts"]}


def tiles(shown: dict[str, Any]) -> dict[str, str]:
    """Return the values of the tiles by id."""
    return {tile["id"]: tile["value"] for tile in shown["tiles"]}


def test_a_running_test() -> None:
    """Its parts add up to the attempts: missing events are not on the way any more."""
    shown = content(running())
    assert parts(shown) == {
        "arrived": 15,
        "on the way": 3,
        "missing": 2,
        "failed": 4,
        "indeterminate": 1,
        "in flight": 5,
    }
    assert (shown["label"], shown["attempted"], sum(parts(shown).values())) == ("RUNNING", "30", 30)
    assert tiles(shown)["missing"] == "2"
    kinds = {tile["id"]: tile["kind"] for tile in shown["tiles"] if tile["kind"]}
    assert kinds == {
        "missing": "lost",
        "failed-requests": "refused",
        "indeterminate": "indeterminate",
    }
    greys = {"indeterminate", "target"}
    assert [part["name"] for part in shown["parts"] if part["kind"] in greys] == ["indeterminate"]
    assert shown["chart"]["first_ms"] == 1_764_500_000_000
    assert shown["chart"]["bins"] == [[0, 30, 17, 15, 2], [1, 0, 0, 0, 0]]


def test_a_topic_that_is_not_watched() -> None:
    """Nothing is known of it, which is not 0; the tab says since when."""
    unwatched = replace(running(is_watched=False), not_watched="topic not watched since 12:03:10")
    shown = content(unwatched)
    assert {tiles(shown)[name] for name in ("arrived", "missing", "duplicated", "behind")} == {
        "\u2013"
    }
    assert parts(shown)["on the way"] == 20
    assert shown["notices"] == ["Topic not watched since 12:03:10"]
    assert content(replace(unwatched, stage=RunStage.JUDGING))["notices"] == []


def test_a_verdict_replaces_the_live_counts() -> None:
    """With its label, its reasons, and the rate of loss."""
    by_type = {"sword": COUNTS}
    shown = content(judged(counts=COUNTS, by_event_type=by_type))
    assert (shown["label"], shown["colour"]) == ("✗ FAIL", "red")
    assert shown["reasons"] == [{"text": "24 lost", "remedy": "look at the exceptions"}]
    assert parts(shown) == {
        "delivered": 1_916,
        "lost": 24,
        "recovered": 10,
        "refused": 49,
        "ghost": 1,
    }
    assert sum(parts(shown).values()) == COUNTS["attempted"]
    assert tiles(shown)["generated"] == "2,000"
    (lost,) = (tile for tile in shown["tiles"] if tile["id"] == "lost")
    assert (lost["note"], lost["kind"]) == ("1.24 % of acknowledged, 1 in 81", "lost")
    names = [column["name"] for column in shown["by_event_type"]["columns"]]
    assert names == ["attempted", "acked", "delivered", "lost", "recovered", "refused", "ghost"]
    assert shown["by_event_type"]["rows"][0][:3] == ["sword", "2,000", "1,940"]


def test_the_table_by_event_type_has_no_column_of_the_total_alone() -> None:
    """The tiles show those counts; with all of them, the last columns would be cut."""
    total = {**COUNTS, "foreign": 3}
    shown = content(judged(counts=total, by_event_type={"sword": COUNTS}))
    assert "foreign" not in [column["name"] for column in shown["by_event_type"]["columns"]]
    assert tiles(shown)["foreign"] == "3"


def test_a_verdict_without_counts() -> None:
    """The live ones stay, since there are no others."""
    shown = content(judged(checks=()))
    assert tiles(shown)["generated"] == "30"
    assert shown["reasons"] == [{"text": "24 lost", "remedy": ""}]


def test_why_a_run_is_not_judged() -> None:
    """It stands in the banner."""
    shown = content(replace(running(), stage=RunStage.NOT_JUDGED, why_not="no pyspark here"))
    assert (shown["label"], shown["meaning"]) == ("NOT JUDGED", "no pyspark here")


def test_every_colour_is_in_the_palette() -> None:
    """Of all classes and of all parts of a test."""
    everything = dict.fromkeys(COUNTS, 7) | dict.fromkeys(
        ("phantom", "corrupted", "late", "malformed", "garbled", "misplaced", "foreign"), 7
    )
    for view in (running(), judged(counts=everything)):
        shown = content(view)
        kinds = {item["kind"] for item in (*shown["tiles"], *shown["parts"]) if item["kind"]}
        assert kinds <= colours().keys()
