"""Arrivals counted: how many were due, how many were started, and how many could not be.

A generator says it in `<ledger>/<generator>/arrivals.json`, anew with each segment and at the last
when it seals; the master in the run's `schedule.json`, by which what a generator that died left
undone is missed. Pure, but for reading.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow.fs as pafs

FILE = "arrivals.json"


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What became of a generator's arrivals.

    `due` are all whose time had come; `started` those that a user began in time; `dropped` those
    that no user was free for. What is left over was lost with a generator that died.
    """

    generator: int
    due: int
    started: int
    dropped: int

    @property
    def lost(self) -> int:
        """Those that nobody was there for."""
        return max(0, self.due - self.started - self.dropped)


def read_arrivals(filesystem: pafs.FileSystem, location: str) -> tuple[Arrivals, ...]:
    """Read what every generator of a ledger has counted; one that is damaged or absent is left out.

    Raises OSError.
    """
    selector = pafs.FileSelector(location, allow_not_found=True)
    folders = [entry for entry in filesystem.get_file_info(selector) if entry.base_name.isdigit()]
    found = [_read(filesystem, f"{entry.path}/{FILE}") for entry in folders]
    return tuple(sorted((each for each in found if each), key=lambda each: each.generator))


def all_arrivals(filesystem: pafs.FileSystem, location: str, due: Mapping[int, int]) -> Arrivals:
    """Add up what all generators of a ledger have counted, and what was lost with one.

    Raises OSError.
    """
    return total(with_lost(read_arrivals(filesystem, location), due))


def with_lost(found: Iterable[Arrivals], due: Mapping[int, int]) -> tuple[Arrivals, ...]:
    """Hold what generators have counted against what the schedule had due for each of them."""
    counted = {each.generator: each for each in found}
    return tuple(
        _with_due(counted.get(generator), generator, due.get(generator, 0))
        for generator in sorted(counted.keys() | due.keys())
    )


def total(arrivals: Iterable[Arrivals]) -> Arrivals:
    """Add them up, as those of generator -1."""
    found = list(arrivals)
    return Arrivals(
        -1,
        sum(each.due for each in found),
        sum(each.started for each in found),
        sum(each.dropped for each in found),
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
