"""The segment buffer: rows added one by one give the same segment as rows written together."""

from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from headcount.ledger import segment_buffer
from headcount.ledger.schema import Row
from headcount.ledger.segment_buffer import SegmentBuffer
from headcount.ledger.writer import LedgerWriter

LARGEST = 1 << 63
TEXTS = some.text(max_size=5)
NUMBERS = some.integers(-LARGEST, LARGEST - 1)
NATURALS = some.integers(0, LARGEST - 1)
CHANGES = some.lists(some.tuples(TEXTS, NUMBERS), max_size=3, unique_by=lambda row: row[0])
ROWS = some.builds(
    Row,
    seq=NATURALS,
    event_type=TEXTS,
    scenario_user=TEXTS,
    shape=TEXTS,
    digest=some.one_of(some.just(-1), NUMBERS),
    intended_at_ns=NUMBERS,
    sent_at_ns=NUMBERS,
    answered_at_ns=some.none() | NATURALS,
    http_status=some.none() | some.integers(0, 999),
    outcome=TEXTS,
    error=some.none() | TEXTS,
    acked_partition=some.none() | some.integers(0, (1 << 31) - 1),
    acked_offset=some.none() | NATURALS,
    server=some.none() | TEXTS,
    owner=some.none() | TEXTS,
    changes=some.none() | CHANGES.map(tuple),
    ended_at_ns=some.none() | NATURALS,
    asked=some.none() | TEXTS,
)


def written(folder: Path, generator: int, rows: list[Row] | pa.Table) -> pa.Table:
    """Write rows as a segment, and read them back."""
    writer = LedgerWriter(pafs.LocalFileSystem(), str(folder), "run-1", generator)
    if isinstance(rows, pa.Table):
        writer.write_table(rows)
    else:
        writer.write_segment(rows)
    return pq.read_table(folder / str(generator) / "segment-000000.parquet")


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several chunks, and a part of one."""
    monkeypatch.setattr(segment_buffer, "CHUNK_ROWS", 3)


def row(seq: int) -> Row:
    """Return a row like those of most requests."""
    return Row(
        seq=seq,
        event_type="a",
        scenario_user="user",
        shape="event_type",
        digest=1,
        intended_at_ns=1,
        sent_at_ns=1,
        answered_at_ns=2,
        http_status=200,
        outcome="acked",
        error=None,
    )


@settings(
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # it only sets a constant
)
@given(rows=some.lists(ROWS, min_size=1, max_size=8))
def test_columns_are_the_rows(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> None:
    """Values, nulls and types are the same for any rows; each row is passed on once."""
    folder = tmp_path_factory.mktemp("ledger")
    for generator in range(2):
        (folder / str(generator)).mkdir()
    chunks: list[pa.Table] = []
    columns = SegmentBuffer(chunks.append)
    for row in rows:
        columns.add(row)
    assert len(columns) == len(rows)
    table = columns.table()
    assert pa.concat_tables(chunks).unify_dictionaries().equals(table)
    by_row, by_column = written(folder, 0, rows), written(folder, 1, table)
    assert by_column.schema == by_row.schema
    assert by_column.drop(["generator"]).to_pylist() == by_row.drop(["generator"]).to_pylist()


def test_it_is_full_with_the_rows_of_a_segment(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the end of the chunk that reaches that number, and not before."""
    monkeypatch.setattr(segment_buffer, "SEGMENT_ROWS", 4)
    buffer = SegmentBuffer()
    was_full = []
    for seq in range(6):
        was_full.append(buffer.is_full)
        buffer.add(row(seq))
    assert was_full == [False] * 6
    assert buffer.is_full
