"""Arrival counts: how many were due, started and dropped.

Each generator writes its counts to `<ledger>/<generator>/arrivals.json`, with every segment and
finally when it seals. The master writes the due arrivals to the run's `schedule.json`, which shows
how many a dead generator never made. Pure, except for reading.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow.fs as pafs

FILE = "arrivals.json"


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The counts of a generator's arrivals.

    `due` counts all arrivals whose time has come; `started` those that a user started in time;
    `dropped` those that no user could start in time. The rest was lost because a generator died.
    """

    generator: int
    due: int
    started: int
    dropped: int

    @property
    def lost(self) -> int:
        """Arrivals lost because a generator died."""
        return max(0, self.due - self.started - self.dropped)


def read_arrivals(filesystem: pafs.FileSystem, location: str) -> tuple[Arrivals, ...]:
    """Read the counts of every generator of a ledger; skip absent or damaged files.

    Raises OSError.
    """
    selector = pafs.FileSelector(location, allow_not_found=True)
    folders = [entry for entry in filesystem.get_file_info(selector) if entry.base_name.isdigit()]
    counts = [_read(filesystem, f"{entry.path}/{FILE}") for entry in folders]
    return tuple(
        sorted(
            (arrivals for arrivals in counts if arrivals), key=lambda arrivals: arrivals.generator
        )
    )


def all_arrivals(filesystem: pafs.FileSystem, location: str, due: Mapping[int, int]) -> Arrivals:
    """Sum the counts of all generators of a ledger, with the arrivals that dead ones lost.

    Raises OSError.
    """
    return total(with_lost(read_arrivals(filesystem, location), due))


def with_lost(counts: Iterable[Arrivals], due: Mapping[int, int]) -> tuple[Arrivals, ...]:
    """Raise each generator's due count to what the schedule had due for it."""
    counted = {arrivals.generator: arrivals for arrivals in counts}
    return tuple(
        _with_due(counted.get(generator), generator, due.get(generator, 0))
        for generator in sorted(counted.keys() | due.keys())
    )


def total(arrivals: Iterable[Arrivals]) -> Arrivals:
    """Sum the counts; the result has generator -1."""
    counts = list(arrivals)
    return Arrivals(
        -1,
        sum(of_generator.due for of_generator in counts),
        sum(of_generator.started for of_generator in counts),
        sum(of_generator.dropped for of_generator in counts),
    )


def _with_due(counted: Arrivals | None, generator: int, due: int) -> Arrivals:
    known = counted or Arrivals(generator, 0, 0, 0)
    return Arrivals(generator, max(known.due, due), known.started, known.dropped)


def _read(filesystem: pafs.FileSystem, path: str) -> Arrivals | None:
    if filesystem.get_file_info(path).type != pafs.FileType.File:
        return None
    with filesystem.open_input_stream(path) as stream:
        content = bytes(stream.read())
    try:
        document = json.loads(content)
        numbers = [document[name] for name in ("generator", "due", "started", "dropped")]
    except (ValueError, TypeError, KeyError):
        return None
    if not all(type(number) is int and number >= 0 for number in numbers):
        return None
    return Arrivals(*numbers)
