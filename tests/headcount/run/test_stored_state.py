"""The stored state: what is written is read back, and damage is named."""

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headcount.errors import EvidenceError
from headcount.run import stored_state

MOMENT = stored_state.Moment("2026-11-25T09:00:00.000+00:00", 17)


@pytest.mark.parametrize("count", [0, 3, 120_000])
def test_what_is_written_is_read(tmp_path: Path, count: int) -> None:
    """Any number of entries, and the moment when they were read."""
    path = tmp_path / stored_state.FILE
    entries = [(f"run-1.0.o{number}", "gold", number) for number in range(count)]
    stored_state.write(path, iter(entries), MOMENT)
    assert stored_state.read_moment(path) == MOMENT
    table = pq.read_table(path)
    assert (
        list(zip(*(table.column(name).to_pylist() for name in table.column_names), strict=True))
        == entries
    )
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("number", ["much", 1.5, None, True, 2**63, -(2**63) - 1])
def test_a_number_that_does_not_fit(tmp_path: Path, number: object) -> None:
    """It is named, never rounded, and the previous file stays in place."""
    path = tmp_path / stored_state.FILE
    stored_state.write(path, [("o", "gold", 1)], MOMENT)
    fault = "needs more than 64 bits" if type(number) is int else "is not a whole number"
    expected = re.escape(f"'gold' of 'o' {fault}: {number!r}")
    with pytest.raises(EvidenceError, match=expected):
        stored_state.write(path, [("o", "gold", number)], MOMENT)  # type: ignore[list-item]
    assert stored_state.read_moment(path) == MOMENT
    assert list(tmp_path.iterdir()) == [path]


def test_damage(tmp_path: Path) -> None:
    """A missing file differs from one that is invalid, without metadata, or with other columns."""
    path = tmp_path / stored_state.FILE
    assert stored_state.read_moment(path) is None
    path.write_bytes(b"torn")
    with pytest.raises(EvidenceError, match="is damaged"):
        stored_state.read_moment(path)
    pq.write_table(pa.table({"owner": ["o"]}), path)
    with pytest.raises(EvidenceError, match="is damaged"):
        stored_state.read_moment(path)
    metadata = {"headcount.run.stored_state": '{"read_at": "now", "last_event": 1}'}
    pq.write_table(pa.table({"owner": ["o"]}).replace_schema_metadata(metadata), path)
    with pytest.raises(EvidenceError, match="does not have the columns owner, thing, number"):
        stored_state.read_moment(path)
