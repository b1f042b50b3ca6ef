"""The ledger: what is written is read back, and damage is named."""

import hashlib
import json
from pathlib import Path

import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest

from headcount.errors import UsageError
from headcount.ledger.location import check_location, unsealed
from headcount.ledger.reader import GeneratorLedger, read_ledger, with_later_reservations
from headcount.ledger.schema import SCHEMA, Row
from headcount.ledger.writer import LedgerWriter

RUN = "run-1"


def a_row(seq: int) -> Row:
    """Make a row of an acknowledged attempt."""
    return Row(seq, "default", "Player", "event_type", 7, 100, 100, 200, 200, "acked", None)


def a_writer(folder: Path, generator: int = 0) -> LedgerWriter:
    """Make an open writer."""
    writer = LedgerWriter(pafs.LocalFileSystem(), str(folder), RUN, generator)
    writer.open()
    return writer


def sealed(folder: Path, rows: int = 5, segments: int = 2) -> Path:
    """Write a generator's ledger with its seal, and return its folder."""
    writer = a_writer(folder)
    writer.reserve(64)
    for segment in range(segments):
        writer.write_segment(a_row(seq) for seq in range(rows) if seq % segments == segment)
    writer.seal(rows)
    return folder / "0"


def read(folder: Path) -> GeneratorLedger:
    """Read the ledger of the one generator."""
    (part,) = read_ledger(pafs.LocalFileSystem(), str(folder), RUN)
    return part


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """A sealed ledger reads back completely, and its rows have the documented schema."""
    folder = sealed(tmp_path)
    part = read(tmp_path)
    assert part.damage == ()
    assert part.seal is not None
    assert (part.reserved, part.seal.attempted, len(part.segments)) == (64, 5, 2)
    table = pq.read_table(folder / part.segments[0])
    assert table.schema.names == SCHEMA.names
    assert table.column("seq").to_pylist() == [0, 2, 4]


def test_what_is_reserved_meanwhile_counts(tmp_path: Path) -> None:
    """From generators without a seal, and from new ones; the rows stay as they were."""
    sealed(tmp_path)
    working = a_writer(tmp_path, 1)
    working.reserve(64)
    first = read_ledger(pafs.LocalFileSystem(), str(tmp_path), RUN)
    working.reserve(192)
    working.write_segment([a_row(0)])
    working.seal(1)
    a_writer(tmp_path, 2).reserve(32)

    later = read_ledger(pafs.LocalFileSystem(), str(tmp_path), RUN)
    merged = with_later_reservations(first, later)

    assert [(part.reserved, part.seal is None) for part in merged] == [
        (64, False),
        (256, True),
        (32, True),
    ]
    assert [len(part.segments) for part in merged] == [2, 0, 0]
    assert with_later_reservations(first, []) == first


def test_a_reservation_is_on_disk_before_it_is_used(tmp_path: Path) -> None:
    """A generator that dies right after reserving leaves the block, and no seal."""
    assert a_writer(tmp_path).reserve(64) == range(64)
    part = read(tmp_path)
    assert (part.reserved, part.seal, part.damage) == (64, None, ())


def test_one_generator_one_folder(tmp_path: Path) -> None:
    """Two processes cannot take the same place in a run."""
    a_writer(tmp_path)
    with pytest.raises(FileExistsError):
        a_writer(tmp_path)


def test_generators_without_a_seal(tmp_path: Path) -> None:
    """The answer needs only a folder listing; without a ledger, there is no generator."""
    here = pafs.LocalFileSystem(), str(tmp_path / "ledger")
    assert unsealed(*here) == []
    sealed(tmp_path / "ledger")
    a_writer(tmp_path / "ledger", 10)
    a_writer(tmp_path / "ledger", 2)
    assert unsealed(*here) == [2, 10]


@pytest.mark.parametrize("place", ["ledgers/", "/ledgers", "file:///ledgers/"])
def test_a_location_of_ledgers(place: str) -> None:
    """A folder, or a URL of storage that pyarrow knows."""
    assert check_location("--ledger", place) == place.rstrip("/")


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("s3://key:secret@bucket/path", "AWS_SECRET_ACCESS_KEY"),
        ("s3://bucket/path?endpoint_override=localhost", "AWS_ENDPOINT_URL"),
        ("ftp://host/path", "cannot be opened"),
    ],
)
def test_an_invalid_location(place: str, message: str) -> None:
    """A secret that a manifest would record is refused, and not repeated."""
    with pytest.raises(UsageError, match=f"--ledger .*{message}") as error:
        check_location("--ledger", place)
    assert "secret@" not in str(error.value)


def test_nothing_half_written_is_read(tmp_path: Path) -> None:
    """A temporary file of a killed writer is not a segment."""
    (sealed(tmp_path) / ".segment-000002.parquet.tmp").write_bytes(b"half")
    assert read(tmp_path).damage == ()


def test_the_previous_format_is_read(tmp_path: Path) -> None:
    """A ledger with the run id as its tag, and without the column `asked`, is complete."""
    folder = sealed(tmp_path, segments=1)
    path = folder / "segment-000000.parquet"
    metadata = {"headcount.run_id": RUN, "headcount.format": "2"}
    table = pq.read_table(path).drop(["ended_at_ns", "asked"])
    pq.write_table(table.replace_schema_metadata(metadata), path)
    seal = json.loads((folder / "seal.json").read_text())
    seal["segments"][0]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    seal |= {"run_id": seal.pop("tag"), "format": 2}
    (folder / "seal.json").write_text(json.dumps(seal))

    part = read(tmp_path)

    assert part.damage == ()
    assert part.seal is not None
    assert (part.seal.tag, part.seal.attempted) == (RUN, 5)


def _truncate(folder: Path) -> None:
    path = folder / "segment-000001.parquet"
    path.write_bytes(path.read_bytes()[:-20])


def _edit(folder: Path) -> None:
    path = folder / "segment-000000.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(1).replace_schema_metadata(table.schema.metadata), path)


def _double(folder: Path) -> None:
    (folder / "segment-000002.parquet").write_bytes(
        (folder / "segment-000000.parquet").read_bytes()
    )


def _other_run(folder: Path) -> None:
    path = folder / "segment-000000.parquet"
    table = pq.read_table(path)
    metadata = {**table.schema.metadata, b"headcount.tag": b"run-2"}
    pq.write_table(table.replace_schema_metadata(metadata), path)


def _newer_seal(folder: Path) -> None:
    path = folder / "seal.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))


def _wrong_count(folder: Path) -> None:
    path = folder / "seal.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "attempted": 6}))


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (_truncate, "segment-000001.parquet is incomplete"),
        (_edit, "segment-000000.parquet has changed since it was sealed"),
        (_double, "segment-000002.parquet is not in the seal"),
        (_other_run, "segment-000000.parquet belongs to another run"),
        (_newer_seal, "seal.json has format 99"),
        (_wrong_count, "seal.json differ"),
        (lambda folder: (folder / "segment-000000.parquet").unlink(), "000000.parquet is missing"),
        (lambda folder: (folder / "seal.json").write_text("{"), "seal.json cannot be read"),
        (lambda folder: (folder / "seal.json").write_text("[]"), "seal.json cannot be read"),
        (lambda folder: (folder / "reservation-000000.json").write_text("x"), "the next block"),
        (
            lambda folder: (folder / "reservation-000001.json").write_text(
                '{"first_seq": 80, "end_seq": 90}'
            ),
            "reservation-000001.json does not hold the next",
        ),
    ],
)
def test_damage_is_named(tmp_path: Path, harm: object, message: str) -> None:
    """Each kind of damage to a sealed ledger is found, and the file is named."""
    assert callable(harm)
    harm(sealed(tmp_path))
    damage = read(tmp_path).damage
    assert any(message in text for text in damage), damage


def test_no_ledger_is_an_empty_one(tmp_path: Path) -> None:
    """A run that has not begun has no generators, and that is not an error."""
    assert read_ledger(pafs.LocalFileSystem(), str(tmp_path / "none"), RUN) == []
