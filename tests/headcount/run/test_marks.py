"""Marks: read back by time; invalid lines are skipped."""

from pathlib import Path

from headcount.run.marks import Mark, append_mark, read_marks


def test_marks_are_read_by_their_time(tmp_path: Path) -> None:
    """In any order of writing, they are sorted by the time of what happened."""
    path = tmp_path / "marks.jsonl"
    append_mark(path, Mark(20, "back again"))
    append_mark(path, Mark(10, "gone"))
    assert read_marks(path) == (Mark(10, "gone"), Mark(20, "back again"))


def test_an_invalid_line_is_skipped(tmp_path: Path) -> None:
    """Anyone can write to the file: an invalid line does no harm."""
    path = tmp_path / "marks.jsonl"
    path.write_bytes(
        b'\xff\n{"at_ns": -1, "text": "x"}\n{"at_ns": 1}\n{"at_ns": 1, "text": "a\\u001b[2J"}\n'
        b'{"at_ns": 99999999999999999999, "text": "x"}\n[]\n\n{"at_ns": 5, "text": "fine"}\n'
    )
    assert read_marks(path) == (Mark(5, "fine"),)


def test_a_missing_file_has_no_marks(tmp_path: Path) -> None:
    """Most runs have no marks."""
    assert read_marks(tmp_path / "marks.jsonl") == ()
