"""Run stores: where the runs of a history are, a folder on this machine or an object store.

A store lists runs, reads their verdicts, and keeps an index of the history. Runs may come from
anywhere: every file is read up to a bound, and on this machine no symbolic link is followed.
"""

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from headcount.errors import UsageError
from headcount.files import open_own, write_atomically
from headcount.run.ids import is_run_id
from headcount.run.verdict import MOST_BYTES

VERDICT = "verdict.json"
INDEX = ".history.jsonl"
MOST_INDEX_BYTES = 256 * 1024 * 1024

MANIFEST = "run.json"
Stamp = tuple[int, int, int]
"""What changes when a verdict is written again: its time in ns, its size, and its inode if any."""


class RunStore(Protocol):
    """Where runs are. All methods raise OSError."""

    def listing(self) -> Mapping[str, Stamp | None]:
        """Return the stamp of each run's verdict by run id; None if the run is not judged."""
        ...

    def verdicts(self, run_ids: Iterable[str]) -> Iterator[tuple[str, bytes | OSError]]:
        """Yield each run's id with its verdict, or with the error if that cannot be read."""
        ...

    def read_index(self) -> bytes:
        """Read the index; empty if there is none."""
        ...

    def write_index(self, content: bytes) -> None:
        """Replace the index atomically: a reader sees either the old or the new one."""
        ...


def store_at(location: str) -> RunStore:
    """Open a store by a path or a URL. UsageError if nothing is there."""
    if "://" in location:
        # pyarrow takes half a second to load.
        from headcount_analysis.history.remote_runs import remote_runs  # noqa: PLC0415

        return remote_runs(location)
    folder = Path(location)
    if not folder.is_dir():
        raise UsageError(
            f"there is no folder {location}: make a run first, or name another with --reports-dir"
        )
    return LocalRuns(folder.resolve())


@dataclass(frozen=True, slots=True)
class LocalRuns:
    """Runs in a folder of this machine."""

    folder: Path

    def listing(self) -> Mapping[str, Stamp | None]:
        """See RunStore."""
        with os.scandir(self.folder) as entries:
            names = [
                entry.name
                for entry in entries
                if is_run_id(entry.name) and entry.is_dir(follow_symlinks=False)
            ]
        stamps = {name: _stamp(self.folder / name / VERDICT) for name in names}
        return {
            name: stamp
            for name, stamp in stamps.items()
            if stamp or _stamp(self.folder / name / MANIFEST)
        }

    def verdicts(self, run_ids: Iterable[str]) -> Iterator[tuple[str, bytes | OSError]]:
        """See RunStore."""
        for run_id in run_ids:
            try:
                yield run_id, _bounded(self.folder / run_id, VERDICT, MOST_BYTES)
            except OSError as error:
                yield run_id, error

    def read_index(self) -> bytes:
        """See RunStore."""
        try:
            return _bounded(self.folder, INDEX, MOST_INDEX_BYTES)
        except FileNotFoundError:
            return b""

    def write_index(self, content: bytes) -> None:
        """See RunStore."""
        write_atomically(self.folder / INDEX, content)


def _stamp(path: Path) -> Stamp | None:
    """Return the stamp of a regular file; None if it does not exist or is a link."""
    with contextlib.suppress(OSError):
        status = path.stat(follow_symlinks=False)
        if stat.S_ISREG(status.st_mode):
            return status.st_mtime_ns, status.st_size, status.st_ino
    return None


def _bounded(folder: Path, name: str, most_bytes: int) -> bytes:
    with open_own(folder, name) as file:
        return within(file.read(most_bytes + 1), most_bytes)


def within(content: bytes, most_bytes: int) -> bytes:
    """Return the content. OSError if it is longer than allowed."""
    if len(content) > most_bytes:
        raise OSError(f"it has more than {most_bytes:,} bytes, the maximum")
    return content
