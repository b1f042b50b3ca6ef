"""Files: what is on disk, and in which order it came there."""

import errno
import os
from pathlib import Path

import pyarrow.fs as pafs
import pytest

from headcount.files import force_to_disk, write_atomically
from headcount.ledger.writer import LedgerWriter


@pytest.fixture
def forced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is forced to disk, by its name."""
    names: list[str] = []

    def fsync(descriptor: int) -> None:
        names.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)

    monkeypatch.setattr(os, "fsync", fsync)
    return names


def test_a_name_is_forced_to_disk_behind_its_content(tmp_path: Path, forced: list[str]) -> None:
    """After a power failure, the file is there, not only the temporary file beside it."""
    write_atomically(tmp_path / "end.json", "{}")
    aside, folder = forced
    assert aside.startswith(".end.json.")
    assert folder == tmp_path.name
    assert [path.name for path in tmp_path.iterdir()] == ["end.json"]


def test_a_reservation_is_on_disk_before_it_is_used(tmp_path: Path, forced: list[str]) -> None:
    """So is its name; without it, nobody would own the events with its ids."""
    writer = LedgerWriter(pafs.LocalFileSystem(), str(tmp_path), "run-1", 0)
    writer.open()
    writer.reserve(10)
    assert forced == [".reservation-000000.json.tmp", "0"]


def test_a_folder_that_cannot_be_forced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some file systems cannot do so for a folder; any other failure is an error."""
    path = tmp_path / "a"
    path.write_text("")
    numbers = [errno.EINVAL, errno.EIO, errno.EINVAL]

    def fsync(_: int) -> None:
        raise OSError(numbers.pop(0), "refused")

    monkeypatch.setattr(os, "fsync", fsync)
    force_to_disk(tmp_path)
    for folder in (tmp_path, path):
        with pytest.raises(OSError, match="refused"):
            force_to_disk(folder)
