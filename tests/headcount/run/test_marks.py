"""Marks: read back by time, and what is none is skipped."""

from pathlib import Path

from headcount.run.marks import Mark, append_mark, read_marks


def test_marks_are_read_by_their_time(tmp_path: Path) -> None:
    """Whoever writes first, the order is that of what happened."""
    path = tmp_path / "marks.jsonl"
    append_mark(path, Mark(20, "back again"))
    append_mark(path, Mark(10, "gone"))
    assert read_marks(path) == (Mark(10, "gone"), Mark(20, "back again"))


def test_what_is_no_mark_is_skipped(tmp_path: Path) -> None:
    """The file is anyone's: a line that is no mark does no harm."""
    path = tmp_path / "marks.jsonl"
    path.write_bytes(
        b'\xff\n{"at_ns": -1, "text": "x"}\n{"at_ns": 1}\n{"at_ns": 1, "text": "a\\u001b[2J"}\n'
        b'{"at_ns": 99999999999999999999, "text": "x"}\n[]\n\n{"at_ns": 5, "text": "fine"}\n'
    )
    assert read_marks(path) == (Mark(5, "fine"),)


def test_no_file_is_no_mark(tmp_path: Path) -> None:
    """Most runs have none."""
    assert read_marks(tmp_path / "marks.jsonl") == ()
