"""The second look: where ids of a run are, if not in their place."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from headcount_analysis.classes_and_flags import Counts
from headcount_analysis.evidence import Evidence
from headcount_analysis.formats.catalogue import format_of
from headcount_analysis.judge import Limits, judge
from headcount_analysis.messages.ids_elsewhere import Placement
from headcount_analysis.messages.record import Record
from headcount_analysis.pipeline.second_look import find_placement
from headcount_analysis.read.partition_reader import Split
from headcount_analysis.read.partition_summary import PartitionRead

from headcount.run.verdict import Verdict
from tests.analysis.judge.test_judge import SANE

TAG = SANE.manifest.tag
COUNT = 10


@dataclass(slots=True)
class StubSource:
    """A topic of some values, all in one partition; there is no other topic."""

    values: Sequence[bytes]
    splits: list[Split] = field(default_factory=list)

    def records(self, splits: Sequence[Split]) -> list[Record]:
        """Return the records of splits."""
        self.splits += splits
        return [
            Record("events", 0, offset, None, self.values[offset])
            for split in splits
            for offset in range(split.start, split.end)
        ]

    def elsewhere(self, _topic: str, _since_ms: int) -> list[Split]:
        """Return no split."""
        return []

    def __getattr__(self, name: str) -> Any:
        """Refuse what a second look does not use."""
        raise AssertionError(name)


def evidence_of(
    *, claimed: int = 0, phantom: int = 0, foreign: int = 0, malformed: int = 0
) -> Evidence:
    """Return evidence of a run that lacks all events but those that were claimed."""
    counts = Counts(
        attempted=COUNT,
        acked=COUNT,
        delivered=claimed,
        lost=COUNT - claimed,
        phantom=phantom,
        foreign=foreign,
        malformed=malformed,
    )
    read = claimed + phantom + foreign + malformed
    partition = PartitionRead(
        0, 0, read, read=read, first=0, last=read - 1, foreign=foreign, malformed=malformed
    )
    return replace(SANE, by_event_type={"default": counts}, partitions=(partition,))


def placement_of(evidence: Evidence, values: Sequence[bytes]) -> Placement:
    """Look again at a topic of these values."""
    source = StubSource(values)
    return find_placement(source, evidence, format_of(evidence.manifest.format_settings))


def event(identity: str) -> bytes:
    """Write an event."""
    return json.dumps({"X-Event-Id": identity, "event_type": "default"}).encode()


@pytest.mark.parametrize("written", [f"{TAG}.0.%d ", f"{TAG}.0.%d/1"])
def test_ids_that_a_service_pads(written: str) -> None:
    """Each message claims the run with a text that is no id: neither loss nor phantom is proven."""
    values = [event(written % seq) for seq in range(COUNT)]
    evidence = evidence_of(phantom=COUNT)
    placement = placement_of(evidence, values)
    assert placement.is_doubtful
    assert "in the text at X-Event-Id, but not in the run's form of ids" in placement.evidence
    judgement = judge(replace(evidence, placement=placement), Limits())
    assert judgement.verdict is Verdict.INCONCLUSIVE


def test_ids_that_were_never_requested() -> None:
    """They are in place, so the requested ones are lost."""
    evidence = evidence_of(phantom=COUNT)
    placement = placement_of(evidence, [event(f"{TAG}.0.{1000 + seq}") for seq in range(COUNT)])
    assert (placement.at_location, placement.is_doubtful) == (COUNT, False)
    assert judge(replace(evidence, placement=placement), Limits()).verdict is Verdict.FAIL


def test_a_field_that_occurs_twice() -> None:
    """The reason is not that the id is elsewhere."""
    values = [event(f"{TAG}.0.{seq}")[:-1] + b', "X-Event-Id": "x"}' for seq in range(COUNT)]
    placement = placement_of(evidence_of(malformed=COUNT), values)
    assert "there, but the field X-Event-Id occurs twice" in placement.evidence
    assert "--id-at" not in placement.remedy


def test_messages_with_their_ids_in_place_are_left_out() -> None:
    """Only the others say where ids are instead."""
    half = COUNT // 2
    values = [event(f"{TAG}.0.{seq}") for seq in range(half)]
    values += [json.dumps({"id": f"{TAG}.0.{seq}"}).encode() for seq in range(half, COUNT)]
    placement = placement_of(evidence_of(claimed=half, foreign=half), values)
    (note,) = placement.notes
    assert f"{half} of {half} messages" in note
    assert "top-level field id" in note
    assert "field X-Event-Id and" not in note
