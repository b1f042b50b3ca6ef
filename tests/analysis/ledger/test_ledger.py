"""The ledger as it is judged: complete, torn, and damaged in every way."""

import hashlib
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest
from headcount_analysis.ledger import attempts, overview
from headcount_analysis.ledger.ledger_state import GeneratorState

from headcount.ledger.reader import read_ledger
from tests.analysis.synthetic_run import RUN, RunHistory

pytestmark = pytest.mark.e2e


def loaded(history: RunHistory) -> overview.Ledger:
    """Load the ledger on disk."""
    location = str(history.folder.path / "ledger")
    parts = read_ledger(pafs.LocalFileSystem(), location, RUN)
    return overview.load(location, parts, [part.generator for part in parts])


def rows(ledger: overview.Ledger) -> pa.Table:
    """Read all attempts, block by block."""
    ranges = attempts.seq_ranges(ledger, 3)
    assert list(ranges) == list(range(len(ranges)))
    nothing = attempts.attempts(ledger.location, attempts.SeqRange(0, 3, (), ()))
    blocks = [attempts.attempts(ledger.location, seqs) for seqs in ranges.values()]
    return pa.concat_tables([nothing, *blocks])


def damage(history: RunHistory) -> str:
    """Return all damage, as lines."""
    return "\n".join(loaded(history).state.damage)


@pytest.fixture
def folder(history: RunHistory) -> Path:
    """A sealed generator's folder, with four rows in two segments."""
    history.deliver(4)
    history.write()
    return history.folder.path / "ledger" / "0"


def test_whole(history: RunHistory) -> None:
    """Two sealed generators: every row, no damage, and the shapes and types that occur."""
    history.deliver(4)
    history.attempt(0, generator=12, event={"event_type": "default"})
    history.write()

    ledger = loaded(history)

    assert ledger.state.generators == (
        GeneratorState(0, sealed=True, asked=4, rows=4, without_row=0, attempted=4),
        GeneratorState(12, sealed=True, asked=1, rows=1, without_row=0, attempted=1),
    )
    assert ledger.state.shapes == ("event_type", "event_type,metal")
    assert ledger.state.event_types == ("default", "purchase_sword")
    assert ledger.state.damage == ()
    assert ledger.state.torn == ()
    assert len(rows(ledger)) == 5


def test_torn(history: RunHistory) -> None:
    """A killed generator's reserved ids without a row become indeterminate attempts."""
    history.deliver(3)
    history.rows[0].pop(1)
    history.reserved[0] = 6
    history.unsealed.add(0)
    history.write()

    ledger = loaded(history)

    assert ledger.state.generators == (
        GeneratorState(0, sealed=False, asked=6, rows=2, without_row=4),
    )
    assert ledger.state.damage == ()
    assert tuple(rows(ledger).column_names) == attempts.COLUMNS
    outcomes = {row["seq"]: (row["event_type"], row["outcome"]) for row in rows(ledger).to_pylist()}
    assert outcomes == {
        **dict.fromkeys((0, 2), ("purchase_sword", "acked")),
        **dict.fromkeys((1, 3, 4, 5), ("(unknown)", "indeterminate")),
    }


def test_a_ledger_of_the_older_format_is_read(history: RunHistory, folder: Path) -> None:
    """Its segments lack the time at which the wait for an answer ended, which is null then."""
    seal = json.loads((folder / "seal.json").read_text())
    for segment in seal["segments"]:
        table = pq.read_table(folder / segment["name"], partitioning=None)
        metadata = {**(table.schema.metadata or {}), b"headcount.format": b"2"}
        older = table.drop(["asked", "ended_at_ns"]).replace_schema_metadata(metadata)
        pq.write_table(older, folder / segment["name"])
        content = (folder / segment["name"]).read_bytes()
        segment["sha256"] = hashlib.sha256(content).hexdigest()
    (folder / "seal.json").write_text(json.dumps({**seal, "format": 2}))

    ledger = loaded(history)

    assert ledger.state.damage == ()
    assert rows(ledger)["ended_at_ns"].null_count == len(rows(ledger)) == 4
    assert rows(ledger)["seq"].to_pylist() == [0, 1, 2, 3]


def test_never_began(history: RunHistory) -> None:
    """A generator that reserved and was killed before its first row."""
    history.rows[0] = []
    history.reserved[0] = 3
    history.unsealed.add(0)
    history.write()

    ledger = loaded(history)

    assert ledger.state.generators[0].without_row == 3
    assert len(rows(ledger)) == 3


def test_no_ledger(history: RunHistory) -> None:
    """An absent ledger is empty, and no crash."""
    ledger = loaded(history)

    assert ledger.state.generators == ()
    assert len(rows(ledger)) == 0


def test_missing_generator(history: RunHistory) -> None:
    """A generator that made requests but has no ledger is reported."""
    history.deliver(3, generator=0)
    history.write()
    location = str(history.folder.path / "ledger")
    parts = read_ledger(pafs.LocalFileSystem(), location, RUN)

    (gone,) = overview.load(location, parts, (0, 1)).state.damage
    assert gone.startswith("generator 1 has made requests, but ")
    (unknown,) = overview.load(location, parts, None).state.damage
    assert "generators.json is missing" in unknown


def test_path_with_glob_characters(history: RunHistory) -> None:
    """A run's folder may have any name."""
    history.path = history.path / "a [b] {c,d} *? %20 é"
    history.deliver(2)
    history.write()

    assert len(rows(loaded(history))) == 2


def test_incomplete_segment(history: RunHistory, folder: Path) -> None:
    """Half a file is left out and reported, and its attempts are still counted."""
    segment = folder / "segment-000001.parquet"
    segment.write_bytes(segment.read_bytes()[:-20])

    ledger = loaded(history)

    assert "segment-000001.parquet is incomplete" in damage(history)
    assert "2 attempts have rows, but 4 were sealed" in damage(history)
    assert len(rows(ledger)) == 4


def test_missing_segment(history: RunHistory, folder: Path) -> None:
    """A segment that the seal names, but that is gone, is reported."""
    (folder / "segment-000000.parquet").unlink()

    assert "segment-000000.parquet is missing" in damage(history)


def test_edited_segment(history: RunHistory, folder: Path) -> None:
    """A segment that has changed since it was sealed is left out."""
    shutil.copy(folder / "segment-000000.parquet", folder / "segment-000001.parquet")

    assert "segment-000001.parquet has changed since it was sealed" in damage(history)


def test_copied_segment_of_sealed_generator(history: RunHistory, folder: Path) -> None:
    """A segment that the seal does not name is left out."""
    shutil.copy(folder / "segment-000000.parquet", folder / "segment-000002.parquet")

    assert "segment-000002.parquet is not in the seal" in damage(history)
    assert len(rows(loaded(history))) == 4


def test_copied_segment_of_torn_generator(history: RunHistory, folder: Path) -> None:
    """Without a seal, repeated rows reveal a copy, and each attempt still counts once."""
    (folder / "seal.json").unlink()
    shutil.copy(folder / "segment-000000.parquet", folder / "segment-000002.parquet")

    ledger = loaded(history)

    assert "2 repeated rows" in damage(history)
    assert len(rows(ledger)) == 4


def test_missing_segment_of_torn_generator(history: RunHistory, folder: Path) -> None:
    """Without a seal, a gap in the numbering reveals it."""
    (folder / "seal.json").unlink()
    (folder / "segment-000000.parquet").unlink()

    assert "segment-000000.parquet is missing" in damage(history)


def test_rows_beyond_the_reservation(history: RunHistory, folder: Path) -> None:
    """A row that was never reserved means that a reservation is gone."""
    (folder / "seal.json").unlink()
    (folder / "reservation-000000.json").unlink()

    assert "rows reach number 3, but 0 were reserved" in damage(history)


def test_segment_in_another_generators_folder(history: RunHistory, folder: Path) -> None:
    """A segment in the wrong folder is reported, not counted for its owner."""
    (folder / "seal.json").unlink()
    other = folder.with_name("1")
    other.mkdir()
    (folder / "segment-000000.parquet").rename(other / "segment-000000.parquet")

    assert "segment-000000.parquet" in damage(history)
