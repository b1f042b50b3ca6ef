"""The generated run: messages follow the plan, even across segment boundaries."""

import json
from pathlib import Path

import pyarrow.fs as pafs
import pytest
from headcount_analysis.selftest import generate
from headcount_analysis.selftest.faults import Fault
from headcount_analysis.selftest.generate import Generation, Message, write_run
from headcount_analysis.selftest.plan import GENERATORS, PARTITIONS, Plan

from headcount.ledger.reader import read_ledger
from headcount.run.ids import HEADER


def published(plan: Plan, folder: Path) -> list[Message]:
    """Write a run, and return its messages in order."""
    messages: list[Message] = []
    offsets = dict.fromkeys(range(PARTITIONS), 0)
    write_run(Generation(plan, messages.append, offsets), str(folder), lambda: None)
    assert sum(offsets.values()) == len(messages)
    return messages


def ids(messages: list[Message]) -> list[str]:
    """Return the ids of messages that can be parsed."""
    return [json.loads(message.value or b"{}").get(HEADER) for message in messages]


def test_swapped_events_follow_their_successors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A swapped event comes after its generator's next, even if a segment ends between them."""
    monkeypatch.setattr(generate, "_SEGMENT_ROWS", 4)
    plan = Plan("selftest", "run", 16, {(0, 1): Fault.SWAPPED, (0, 3): Fault.SWAPPED})

    messages = published(plan, tmp_path / "ledger")

    of_first = [name for name in ids(messages) if name.startswith("run.0.")]
    assert of_first == [f"run.0.{seq}" for seq in (0, 2, 1, 4, 3, 5, 6, 7)]
    by_id = dict(zip(ids(messages), messages, strict=True))
    for one, other in (("run.0.1", "run.0.2"), ("run.0.3", "run.0.4")):
        assert by_id[one].key == by_id[other].key is not None
        assert by_id[one].partition == by_id[other].partition


def test_the_ledger_is_complete(tmp_path: Path) -> None:
    """Every attempt has a row, whatever happened to its event."""
    plan = Plan("selftest", "run", 101, {(0, 7): Fault.DROPPED, (1, 8): Fault.DUPLICATED})

    messages = published(plan, tmp_path / "ledger")

    parts = read_ledger(pafs.LocalFileSystem(), str(tmp_path / "ledger"), "run")
    assert [part.seal.attempted for part in parts if part.seal] == [51, 50]
    assert len(parts) == GENERATORS
    assert all(not part.damage for part in parts)
    assert "run.0.7" not in ids(messages)
    assert ids(messages).count("run.1.8") > 1
