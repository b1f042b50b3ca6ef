"""Differing fields: of every corrupted event the fields are named, and the numbers add up."""

import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.dataset as ds
import pytest
import rich.console
from headcount_analysis.pipeline.cache import RunCache
from headcount_analysis.pipeline.differences import DIFFERENCES_FOLDER
from headcount_analysis.pipeline.plan import VerificationPlan
from headcount_analysis.pipeline.tools import Tools
from headcount_analysis.pipeline.verify import verify
from headcount_analysis.read import topic_rows
from headcount_analysis.read.partition_reader import Split
from headcount_analysis.read.source import Result, SplitTask
from headcount_analysis.report.model import Report
from headcount_analysis.spark.tables import Tables
from junitparser import JUnitXml

from headcount.cli.result import show
from headcount.console import Console
from headcount.errors import EvidenceError
from headcount.ledger.event_digest import MAX_ASKED
from headcount.run.verdict import Verdict
from tests.analysis.synthetic_run import Frames, RunHistory, event_id

pytestmark = pytest.mark.e2e

BUY = {"event_type": "buy", "quantity": 3, "metal": "iron"}
_TEXT = 'quantity: asked for 3, found "3"'
SHIP = {"event_type": "ship", "to": {"city": "Delft"}, "quantity": 3}


def rows_of(history: RunHistory) -> dict[str, dict[str, str]]:
    """Read exceptions.csv by id."""
    with (history.folder.path / "exceptions.csv").open(newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def document(history: RunHistory) -> dict[str, Any]:
    """Read the part of verdict.json that says what differs."""
    content: dict[str, Any] = json.loads((history.folder.path / "verdict.json").read_text())
    part: dict[str, Any] = content["differences"]
    return part


def corrupt(
    history: RunHistory, seq: int, asked: Mapping[str, object], seen: Mapping[str, object]
) -> None:
    """Add an attempt whose event arrives altered."""
    history.attempt(seq, event=asked, sent_ms=10 * seq)
    offset = len(history.messages)
    history.arrive(event_id(seq), offset, event=seen, at_ms=10 * seq + 3)


def mixed(history: RunHistory) -> Report:
    """Verify a run of 12 events, of which 9 are corrupted, in blocks of 4."""
    for seq in range(5):
        corrupt(history, seq, BUY, {**BUY, "quantity": "3"})
    for seq in range(5, 7):
        corrupt(history, seq, SHIP, {**SHIP, "quantity": "3"})
    for seq in range(7, 10):
        history.deliver_one(seq)
    corrupt(history, 10, BUY, {"event_type": "buy", "quantity": 4})
    corrupt(history, 11, SHIP, {**SHIP, "to": {"city": "Gent"}})
    return history.verified()


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut runs into blocks of four sequence numbers, so that each has several."""
    monkeypatch.setattr(topic_rows, "BLOCK_ROWS", 4)


def test_every_corrupted_event_is_named(history: RunHistory) -> None:
    """With the fields, kinds and values of each, and the counts by set of fields add up."""
    report = mixed(history)

    assert report.verdict is Verdict.FAIL
    assert report.counts is not None
    assert report.counts.corrupted == 9
    rows = rows_of(history)
    named = {name: (row["differing_fields"], row["difference_kinds"]) for name, row in rows.items()}
    assert named == {
        **{event_id(seq): ("quantity", "type") for seq in range(7)},
        event_id(10): ("metal; quantity", "missing; value"),
        event_id(11): ("/to/city", "value"),
    }
    assert rows[event_id(10)]["differences"] == (
        'metal: asked for "iron", but missing; quantity: asked for 3, found 4'
    )
    counts = report.differences.counts
    assert counts.events == sum(counts.sets.values()) == 9
    assert report.differences.sentences == (
        '`quantity`: asked for 3, found "3", 7 times (77.8 % of 9 corrupted events)',
        '`/to/city`: asked for "Delft", found "Gent", once (11.1 % of 9 corrupted events, of type ship)',  # noqa: E501
        '`metal`: asked for "iron", but missing, once (11.1 % of 9 corrupted events, of type buy)',
        "`quantity`: asked for 3, found 4, once (11.1 % of 9 corrupted events, of type buy)",
    )


def test_every_surface_prints_the_same_list(history: RunHistory) -> None:
    """The terminal, the page, the summary, JUnit and verdict.json."""
    report = mixed(history)
    sentences, path = report.differences.sentences, history.folder.path
    assert len(sentences) == 4
    assert document(history)["text"] == list(sentences)

    screen = rich.console.Console(record=True, width=300)
    show(report, history.folder, Console(out=screen))
    assert [f"  differs: {sentence}" for sentence in sentences] == [
        line.rstrip() for line in screen.export_text().splitlines() if "differs: " in line
    ]
    (suite,) = JUnitXml.fromfile(str(path / "junit.xml"))
    (case,) = (test_case for test_case in suite if test_case.name == "corrupted")
    assert case.result[0].text.splitlines()[-4:] == list(sentences)
    page, summary = (path / "report.html").read_text(), (path / "summary.md").read_text()
    places = [page.index(_in_html(sentence)) for sentence in sentences]
    assert places == sorted(places)
    assert all(
        sentence.replace("`", "\\`").replace("*", "\\*") in summary for sentence in sentences
    )


def _in_html(text: str) -> str:
    return re.sub("`(.+?)`", r"<code>\1</code>", text.replace('"', "&#34;"))


def test_the_document_counts_by_field_and_by_set(history: RunHistory) -> None:
    """Machines read the same numbers, with samples of each set."""
    mixed(history)
    part = document(history)
    assert part["corrupted"] == sum(field_set["count"] for field_set in part["sets"]) == 9
    assert (part["other_sets"], part["is_complete"], part["why_not"]) == (0, True, "")
    first = part["sets"][0]
    assert (first["event_type"], first["count"]) == ("buy", 5)
    assert first["fields"] == [{"field": "quantity", "kind": "type"}]
    assert [sample["id"] for sample in first["samples"]] == [event_id(seq) for seq in range(5)]
    assert first["samples"][4] == {
        "id": event_id(4),
        "partition": 0,
        "offset": 4,
        "fields": [{"field": "quantity", "kind": "type", "asked": "3", "found": '"3"'}],
    }
    field = part["fields"][0]
    assert field["values"] == [{"asked": "3", "found": '"3"', "count": 5}]
    assert (field["field"], field["count"], field["share"]) == ("quantity", 5, 5 / 9)


def test_frequent_sets_of_fields_are_patterns(history: RunHistory) -> None:
    """Sets that occur three times or more; a rare one is no pattern."""
    report = mixed(history)
    texts = [str(pattern) for pattern in report.patterns if "`" in pattern.what]
    assert texts == ["5 of 9 corrupted: event type buy: `quantity` (type) differs"]


def test_every_copy_is_compared(history: RunHistory) -> None:
    """A later copy may be the corrupted one; the fields of several are joined, the first counts."""
    copies: list[Sequence[Mapping[str, object]]] = [
        (BUY, {**BUY, "metal": "tin"}),
        (BUY, {**BUY, "quantity": "3"}, {**BUY, "quantity": 4, "metal": "tin"}),
    ]
    for seq, events in enumerate(copies):
        history.attempt(seq, event=BUY)
        for place, event in enumerate(events):
            at = 10 * seq + place
            history.arrive(event_id(seq), at, partition=place % 2, at_ms=at, event=event)

    report = history.verified()

    rows = rows_of(history)
    columns = ("corrupted_copies", "corrupted_partition", "corrupted_offset", "differences")
    assert [[rows[event_id(seq)][name] for name in columns] for seq in range(2)] == [
        ["1", "1", "1", 'metal: asked for "iron", found "tin"'],
        [
            *("2", "1", "11"),
            f'{_TEXT}; metal: asked for "iron", found "tin"; quantity: asked for 3, found 4',
        ],
    ]
    counts = report.differences.counts
    assert counts.events == sum(counts.sets.values()) == 2


def test_many_events_of_a_set_have_values(history: RunHistory) -> None:
    """All are named; the first hundred of each block, event type and set also have the values."""
    topic_rows.BLOCK_ROWS = 1000
    for seq in range(250):
        corrupt(history, seq, BUY, {**BUY, "quantity": str(seq)})
    report = history.verified()
    rows = rows_of(history).values()
    assert {row["differing_fields"] for row in rows} == {"quantity"}
    assert sum(1 for row in rows if row["differences"]) == 100
    assert len(document(history)["sets"][0]["samples"]) == 100
    assert report.differences.sentences == (
        '`quantity`: 250 times, such as asked for 3, found "0" (100 % of 250 corrupted events)',
    )


def test_no_output_has_a_secret(history: RunHistory) -> None:
    """Neither what was asked for nor what was found, in a short event and in a long one."""
    for seq, more in enumerate(({}, {"text": "x" * MAX_ASKED})):
        asked = {"event_type": "login", "Password": "hush-1", "to": {"token": "hush-2"}, **more}
        corrupt(history, seq, asked, {**asked, "Password": "hush-3", "to": ["hush-4"]})
    history.verified()
    named = {row["differing_fields"] for row in rows_of(history).values()}
    assert named == {"Password; to"}
    path = history.folder.path
    # What a reader is shown; the ledger and the topic are evidence.
    for name in ("exceptions.csv", "verdict.json", "report.html", "summary.md", "junit.xml"):
        text = (path / name).read_text()
        assert not any(f"hush-{number}" in text for number in (1, 2, 3))
    table = ds.dataset(path / DIFFERENCES_FOLDER, format="parquet").to_table().to_pylist()
    assert len(table) == 2
    assert not any(f"hush-{number}" in str(table) for number in (1, 2, 3))


def test_a_later_verification_removes_the_table(history: RunHistory) -> None:
    """Nothing is left of differences that a verification with more messages does not find."""
    corrupt(history, 0, BUY, {**BUY, "quantity": 4})
    history.verified()
    assert (history.folder.path / DIFFERENCES_FOLDER).is_dir()
    history.messages.clear()
    history.arrive(event_id(0), 0, event=BUY)
    report = history.verified_again()
    assert report.verdict is Verdict.PASS
    assert not (history.folder.path / DIFFERENCES_FOLDER).exists()
    assert report.differences.sentences == ()


@dataclass(frozen=True, slots=True)
class ReadOnce(Frames):
    """A topic that can be read once: its second reading fails."""

    def map_parts(self, parts: Sequence[Split], task: SplitTask[Result]) -> list[Result]:
        """Refuse."""
        del parts, task
        raise EvidenceError("partition 0 of 'events' cannot be read: it is gone")


def verified_by(history: RunHistory, source: Frames) -> Report:
    """Verify a history from another source."""
    history.write()
    plan = VerificationPlan(history.folder, history.manifest, history.reached)
    tables = Tables(history.folder.path.absolute())
    tools = Tools(history.spark.sparkContext, source, tables)
    return verify(plan, tools, RunCache())


def test_a_topic_that_is_gone_leaves_the_verdict(history: RunHistory) -> None:
    """The corruption is proven by the first reading; the report says why no field is named."""
    corrupt(history, 0, BUY, {**BUY, "quantity": 4})
    report = verified_by(history, ReadOnce(history.source))
    assert report.verdict is Verdict.FAIL
    assert report.reasons[0].startswith("1 corrupted")
    (sentence,) = report.differences.sentences
    assert sentence.startswith("could not determine which fields differ: partition 0 of ")
    assert document(history)["why_not"].endswith("it is gone")
    assert rows_of(history)[event_id(0)]["differing_fields"] == ""
    assert not [path for path in history.folder.path.iterdir() if "corrupted" in path.name]


def test_a_sound_run_reads_nothing_again(history: RunHistory) -> None:
    """Nothing is corrupted, so nothing is read twice: the second reading would fail."""
    history.deliver(3)
    report = verified_by(history, ReadOnce(history.source))
    assert report.verdict is Verdict.PASS


def test_a_message_that_is_gone_is_counted(history: RunHistory) -> None:
    """An event whose message cannot be read again counts as one without known fields."""
    corrupt(history, 0, BUY, {**BUY, "quantity": 4})
    corrupt(history, 1, BUY, {**BUY, "quantity": 4})

    class Shrinking(Frames):
        def map_parts(self, parts: Sequence[Split], task: SplitTask[Result]) -> list[Result]:
            history.messages = history.messages[1:]
            return Frames.map_parts(self, parts, task)

    report = verified_by(history, Shrinking(history.source))
    assert (report.differences.counts.events, report.differences.counts.unknown) == (2, 1)
    assert report.differences.sentences[1].startswith(
        "for 1 of 2 corrupted events it is unknown which fields differ"
    )


def test_an_id_in_the_values_is_not_shown_for_another_event(history: RunHistory) -> None:
    """Messages that differ only in their ids are compared once, unless a value has the id."""
    for seq in range(3):
        corrupt(history, seq, BUY, {**BUY, "metal": f"for {event_id(seq)}"})
    history.verified()
    rows = rows_of(history)
    assert [rows[event_id(seq)]["differences"] for seq in range(3)] == [
        f'metal: asked for "iron", found "for {event_id(seq)}"' for seq in range(3)
    ]


def test_what_executors_pass_on_is_removed(history: RunHistory) -> None:
    """Of the files that they write, only the table of differences stays in the folder."""
    mixed(history)
    names = {path.name for path in history.folder.path.iterdir()}
    assert DIFFERENCES_FOLDER in names
    assert not [name for name in names if name.startswith(".") or "corrupted" in name]
