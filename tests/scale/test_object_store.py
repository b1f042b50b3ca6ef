"""A ledger in an object store is written and read, and damage is reported, as on a disk."""

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow.fs as pafs
import pytest

from headcount.ledger.location import check_location, open_location, unsealed
from headcount.ledger.reader import read_ledger
from headcount.ledger.schema import Row
from headcount.ledger.writer import LedgerWriter
from tests.scale.object_store import BUCKET, object_store, opened

LEDGER = f"s3://{BUCKET}/ledgers/run-1"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """A store that this process finds through its environment, as a user's process does."""
    with object_store(tmp_path, dict(os.environ)) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield variables


def a_row(seq: int) -> Row:
    """Make a row of an acknowledged attempt."""
    return Row(seq, "default", "Player", "event_type", 7, 100, 100, 200, 200, "acked", None)


def test_a_ledger(store: dict[str, str]) -> None:
    """A ledger is reserved, written and sealed, leaves no temporary file, and is not replaced."""
    filesystem, path = open_location(check_location("--ledger", LEDGER))
    assert unsealed(filesystem, path) == []
    writer = LedgerWriter(filesystem, path, "run-1", 0)
    writer.open()
    with pytest.raises(FileExistsError):
        LedgerWriter(filesystem, path, "run-1", 0).open()
    writer.reserve(64)
    writer.write_segment(a_row(seq) for seq in range(5))
    assert unsealed(filesystem, path) == [0]
    writer.seal(5)
    assert unsealed(filesystem, path) == []
    (part,) = read_ledger(filesystem, path, "run-1")
    assert (part.reserved, part.damage) == (64, ())
    assert part.seal is not None
    names = {info.base_name for info in filesystem.get_file_info(pafs.FileSelector(f"{path}/0"))}
    assert names == {"reservation-000000.json", "segment-000000.parquet", "seal.json"}

    with opened(store).open_output_stream(f"{path}/0/segment-000000.parquet") as stream:
        stream.write(b"another")
    (part,) = read_ledger(filesystem, path, "run-1")
    assert any("has changed since it was sealed" in text for text in part.damage)


def test_a_store_that_refuses(store: dict[str, str]) -> None:
    """A failed write is an OSError, as on a full disk."""
    assert store
    filesystem, path = open_location("s3://no-such-bucket/ledgers")
    with pytest.raises(OSError, match="no-such-bucket"):
        LedgerWriter(filesystem, path, "run-1", 0).open()
