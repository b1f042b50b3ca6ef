"""Marks: notes of what happened to the parts during a run, and when.

`marks.jsonl` in the run's folder has a line for each: `{"at_ns": Unix time, "text": "…"}`. Any
process may add one during the run, so a line is appended whole, and invalid lines are skipped.
"""

import os
from pathlib import Path

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as validated

LONGEST_TEXT = 200
MOST = 1000
LATEST_NS = 4_102_444_800 * 10**9  # 2100


@validated(frozen=True, slots=True)
class Mark:
    """What happened, and when, in ns of Unix time."""

    at_ns: int = Field(ge=0, lt=LATEST_NS)
    text: str = Field(min_length=1, max_length=LONGEST_TEXT, pattern=r"^[^\x00-\x1f\x7f]+$")


_MARK = TypeAdapter(Mark)


def append_mark(path: Path, mark: Mark) -> None:
    """Append a mark to the file. Raises OSError."""
    line = _MARK.dump_json(mark) + b"\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)


def read_marks(path: Path) -> tuple[Mark, ...]:
    """Read the first MOST marks of a file, sorted by time; a missing file has none."""
    marks: list[Mark] = []
    try:
        with path.open("rb") as file:
            for line in file:
                try:
                    marks.append(_MARK.validate_json(line))
                except ValidationError:
                    continue
                if len(marks) == MOST:
                    break
    except FileNotFoundError:
        return ()
    return tuple(sorted(marks, key=lambda mark: mark.at_ns))
