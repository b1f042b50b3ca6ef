"""A side file is read back as it was written, or not at all."""

from pathlib import Path

import pyarrow.fs as pafs
import pytest
from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from headcount.ledger.side_file import SideFile


@dataclass(frozen=True)
class Shelf:
    """What the file holds."""

    books: tuple[str, ...] = ()


FILE = SideFile("shelf.json", TypeAdapter(Shelf), largest=100)


@pytest.mark.parametrize("content", [None, b"", b"{", b'{"books": 1}'])
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, content: bytes | None) -> None:
    """So is one that is missing."""
    (tmp_path / "0").mkdir()
    if content is not None:
        (tmp_path / "0" / FILE.name).write_bytes(content)
    assert FILE.read(pafs.LocalFileSystem(), str(tmp_path), 0) is None


def test_a_file_is_read_back(tmp_path: Path) -> None:
    """Characters beyond ASCII, too; a file longer than allowed is cut off, and so is damaged."""
    filesystem = pafs.LocalFileSystem()
    for count, is_read in ((3, True), (50, False)):
        shelf = Shelf(tuple("é" * count))
        (tmp_path / str(count)).mkdir()
        (tmp_path / str(count) / FILE.name).write_bytes(FILE.dump(shelf))
        assert FILE.read(filesystem, str(tmp_path), count) == (shelf if is_read else None)
