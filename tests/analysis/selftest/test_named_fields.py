"""Named fields: a field that is named wrongly, or not at all, is a problem of a self-test."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from headcount_analysis.corrupted.counts import DifferenceCounts, FieldSet
from headcount_analysis.corrupted.summary import Differences
from headcount_analysis.corrupted.table import DIFFERENCES
from headcount_analysis.messages.field_differences import differences
from headcount_analysis.messages.json_message import parse
from headcount_analysis.selftest.alterations import (
    ALTERATIONS,
    OTHER_VALUE,
    REPEATED,
    Alteration,
)
from headcount_analysis.selftest.events import samples
from headcount_analysis.selftest.message_writer import MessageStyle, MessageWriter
from headcount_analysis.selftest.named_fields import misnamed

from headcount.run.id_form import RunIds

ALTERED = {(0, 3): frozenset({("a", "type")}), (1, 4): frozenset({("b", "missing")})}


def reported(folder: Path, events: dict[tuple[int, int], list[tuple[str, str]]]) -> Differences:
    """Write the table of a verification that names these fields."""
    rows = [
        {
            "generator": generator,
            "seq": seq,
            "fields": [name for name, _ in fields],
            "kinds": [kind for _, kind in fields],
        }
        for (generator, seq), fields in events.items()
    ]
    path = folder / "differences.parquet"
    pq.write_table(pa.Table.from_pylist(rows, DIFFERENCES), path)
    counts = DifferenceCounts(len(events), {FieldSet("t", ()): len(events)})
    return Differences(len(events), counts, table=path)


def test_right_names_are_no_problem(tmp_path: Path) -> None:
    """Every altered field is named, and no other."""
    right = {(0, 3): [("a", "type")], (1, 4): [("b", "missing")]}
    assert misnamed(ALTERED, reported(tmp_path, right)) == ()
    assert misnamed({}, Differences()) == ()


@pytest.mark.parametrize(
    ("events", "problem"),
    [
        ({(0, 3): [("a", "type")]}, "1.4: altered b (missing), named nothing"),
        (
            {(0, 3): [("a", "value")], (1, 4): [("b", "missing")]},
            "0.3: altered a (type), named a (value)",
        ),
        (
            {(0, 3): [("a", "type")], (1, 4): [("b", "missing")], (0, 0): [("c", "type")]},
            "0.0: altered nothing, named c (type)",
        ),
    ],
)
def test_wrong_names_are_problems(
    tmp_path: Path, events: dict[tuple[int, int], list[tuple[str, str]]], problem: str
) -> None:
    """A field is not named, is named with another kind, or was not altered."""
    assert misnamed(ALTERED, reported(tmp_path, events))[0] == problem


@pytest.mark.parametrize("alteration", [*ALTERATIONS, REPEATED, OTHER_VALUE])
def test_each_alteration_is_described_as_it_is(alteration: Alteration) -> None:
    """The description that is expected for an alteration is right for every event of the pool."""
    writer = MessageWriter(MessageStyle(), RunIds("run"))
    for sample in samples():
        shape, _, asked = sample.description
        content = writer.altered(alteration, sample.fields, "run.0.1", None, 0)
        named = differences(asked, shape, parse(content.value))
        kinds = {(difference.field, difference.kind.value) for difference in named}
        assert kinds == alteration.differing(sample.fields)
