"""Runs in an object store, as a history reads them."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow.fs as pafs

from headcount.ledger.location import open_location
from headcount.run.ids import is_run_id
from headcount.run.verdict import MOST_BYTES
from headcount_analysis.history.run_store import (
    INDEX,
    MANIFEST,
    MOST_INDEX_BYTES,
    VERDICT,
    Stamp,
    within,
)

_READERS = 32
"""How many requests are made at once: each takes a round trip."""


def remote_runs(location: str) -> "RemoteRuns":
    """Open a location by its URL."""
    filesystem, path = open_location(location)
    return RemoteRuns(filesystem, path.rstrip("/"))


@dataclass(frozen=True, slots=True)
class RemoteRuns:
    """Runs in an object store: those folders of a location that have a verdict or a manifest."""

    filesystem: pafs.FileSystem
    path: str

    def listing(self) -> Mapping[str, Stamp | None]:
        """See RunStore; asks for each run's verdict, but lists no folder of a run."""
        # A list of all files would have every segment of every ledger.
        folders = self.filesystem.get_file_info(pafs.FileSelector(self.path))
        names = [folder.base_name for folder in folders if is_run_id(folder.base_name)]
        with ThreadPoolExecutor(_READERS) as readers:
            stamps = dict(zip(names, readers.map(self._stamps, names), strict=True))
        return {name: stamp[0] for name, stamp in stamps.items() if stamp}

    def verdicts(self, run_ids: Iterable[str]) -> Iterator[tuple[str, bytes | OSError]]:
        """See RunStore."""
        with ThreadPoolExecutor(_READERS) as readers:
            yield from readers.map(self._verdict, run_ids)

    def read_index(self) -> bytes:
        """See RunStore."""
        try:
            return self._read(INDEX, MOST_INDEX_BYTES)
        except FileNotFoundError:
            return b""

    def write_index(self, content: bytes) -> None:
        """See RunStore; an object appears when it is complete."""
        with self.filesystem.open_output_stream(f"{self.path}/{INDEX}") as stream:
            stream.write(content)

    def _stamps(self, run_id: str) -> list[Stamp | None]:
        """Return [stamp of the verdict], [None] without a verdict, and [] if it is not a run."""
        for name in (VERDICT, MANIFEST):
            (file,) = self.filesystem.get_file_info([f"{self.path}/{run_id}/{name}"])
            if file.type is pafs.FileType.File:
                stamp = (file.mtime_ns or 0, file.size or 0, 0)
                return [stamp if name == VERDICT else None]
        return []

    def _verdict(self, run_id: str) -> tuple[str, bytes | OSError]:
        try:
            return run_id, self._read(f"{run_id}/{VERDICT}", MOST_BYTES)
        except OSError as error:
            return run_id, error

    def _read(self, name: str, most_bytes: int) -> bytes:
        with self.filesystem.open_input_stream(f"{self.path}/{name}") as stream:
            return within(bytes(stream.read(most_bytes + 1)), most_bytes)
