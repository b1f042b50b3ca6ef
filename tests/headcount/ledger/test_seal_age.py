"""The age of the seals: by one clock, however wrong it is."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow.fs as pafs
import pytest

from headcount.ledger.seal_age import seal_age_s

HOUR_NS = 3600 * 10**9


class Store(pafs.SubTreeFileSystem):  # type: ignore[misc] # it has no types
    """An object store: its clock is behind, and the seals were written some time ago."""

    behind_ns = HOUR_NS
    age_ns = 0
    is_in_seconds = False
    is_read_only = False

    def get_file_info(self, paths: str | Sequence[str]) -> object:
        """Return what the store knows, dated by its own clock."""
        if isinstance(paths, str):
            return self._dated(super().get_file_info(paths))
        return [self._dated(file) for file in super().get_file_info(paths)]

    def open_output_stream(self, path: str) -> object:
        """Create an object."""
        if self.is_read_only:
            raise PermissionError(path)
        return super().open_output_stream(path)

    def _dated(self, file: pafs.FileInfo) -> pafs.FileInfo:
        if file.mtime_ns is None:
            return file
        at_ns = file.mtime_ns - self.behind_ns
        at_ns -= self.age_ns if file.base_name == "seal.json" else 0
        at_ns -= at_ns % 10**9 if self.is_in_seconds else 0
        return pafs.FileInfo(file.path, file.type, mtime_ns=at_ns, size=file.size)


def sealed(folder: Path, *generators: int) -> str:
    """Write the seals of generators."""
    for generator in generators:
        (folder / str(generator)).mkdir(parents=True)
        (folder / str(generator) / "seal.json").write_text("{}")
    return str(folder)


def store_of(folder: Path, *generators: int) -> Store:
    """Return an object store with the seals of generators."""
    sealed(folder / "ledger", *generators)
    return Store(str(folder), pafs.LocalFileSystem())


def test_the_time_that_a_copy_keeps_does_not_count(tmp_path: Path) -> None:
    """A folder copied with its times from a host whose clock is behind is as old as the copy."""
    location = sealed(tmp_path / "ledger", 0, 1)
    for seal in (tmp_path / "ledger").glob("*/seal.json"):
        os.utime(seal, ns=(time.time_ns() - HOUR_NS,) * 2)
    age_s = seal_age_s(pafs.LocalFileSystem(), location, (0, 1))
    assert age_s is not None
    assert 0 <= age_s < 60


def test_the_last_seal_counts(tmp_path: Path) -> None:
    """The age grows with time, and nothing is left in the folder."""
    location = sealed(tmp_path / "ledger", 0)
    files = pafs.LocalFileSystem()
    began_s = time.monotonic()
    while (first_s := seal_age_s(files, location, (0,)) or 0) < 0.4:
        assert time.monotonic() < began_s + 60
        time.sleep(0.1)
    sealed(tmp_path / "ledger", 1)
    last_s = seal_age_s(files, location, (0, 1))
    assert last_s is not None
    assert last_s < first_s
    assert sorted(path.name for path in Path(location).iterdir()) == ["0", "1"]


def test_an_object_store_is_dated_by_its_own_clock(tmp_path: Path) -> None:
    """However far that is behind: an old seal is old, and a new one is new."""
    store = store_of(tmp_path, 0)
    assert seal_age_s(store, "ledger", (0,)) == pytest.approx(0, abs=60)
    store.age_ns = HOUR_NS
    assert seal_age_s(store, "ledger", (0,)) == pytest.approx(3600, abs=60)
    assert [path.name for path in (tmp_path / "ledger").iterdir()] == ["0"]


def test_whole_seconds_count_as_less(tmp_path: Path) -> None:
    """Two times that were cut to seconds may be up to one second closer than they look."""
    store = store_of(tmp_path, 0)
    store.is_in_seconds, store.age_ns = True, HOUR_NS
    age_s = seal_age_s(store, "ledger", (0,))
    assert age_s is not None
    assert age_s == int(age_s)
    assert 3599 <= age_s < 3660


def test_an_unknown_age(tmp_path: Path) -> None:
    """No generator has begun, one has no seal here, or nothing can be written beside them."""
    location = sealed(tmp_path / "ledger", 0)
    files = pafs.LocalFileSystem()
    assert seal_age_s(files, location, None) is None
    assert seal_age_s(files, location, (0, 1)) is None
    store = Store(str(tmp_path), files)
    store.is_read_only = True
    assert seal_age_s(store, "ledger", (0,)) is None
