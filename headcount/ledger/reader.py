"""Reads the ledger of each generator without the rows: blocks, seals and damage."""

import functools
import hashlib
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import pyarrow.fs as pafs

from headcount.ledger.file_damage import seal_damage, segment_damage
from headcount.ledger.schema import READABLE, Reservation, Seal, Segment

READERS = 32
"""How many segments are read in parallel: an object store has a high latency."""


@dataclass(frozen=True, slots=True)
class GeneratorLedger:
    """The ledger of one generator; `seal` is None if the generator wrote no readable seal."""

    generator: int
    reserved: int
    segments: tuple[str, ...]
    seal: Seal | None
    damage: tuple[str, ...] = ()
    sha256s: tuple[str, ...] = ()
    """The checksums of the segments, in their order."""


@dataclass(frozen=True, slots=True)
class _SegmentCheck:
    """The SHA-256 of a segment's bytes, and what is wrong with its format."""

    sha256: str
    damage: tuple[str, ...]


_File = tuple[str, int, int]
"""A file's path, size and time: if they are unchanged, so is its content."""


@dataclass(slots=True)
class Known:
    """Results for a ledger's files, so that each file is read once."""

    segments: dict[_File, _SegmentCheck] = field(default_factory=dict)
    reservations: dict[_File, Reservation | None] = field(default_factory=dict)


def read_ledger(
    filesystem: pafs.FileSystem, location: str, tag: str, known: Known | None = None
) -> list[GeneratorLedger]:
    """Read the ledger of every generator, without the rows. Raises OSError.

    Files in `known` are not read again; those that are read are added to it.
    """
    known = Known() if known is None else known
    selector = pafs.FileSelector(location, allow_not_found=True)
    folders = [entry for entry in filesystem.get_file_info(selector) if entry.base_name.isdigit()]
    with ThreadPoolExecutor(READERS) as pool:
        parts = [_read_generator(filesystem, entry.path, tag, pool, known) for entry in folders]
    return sorted(parts, key=lambda part: part.generator)


def with_later_reservations(
    parts: Sequence[GeneratorLedger], later: Sequence[GeneratorLedger]
) -> list[GeneratorLedger]:
    """Return `parts`, with what their generators have reserved since, according to `later`.

    Both are readings of one ledger. A generator with a seal in `parts` keeps its reservations. No
    segments are added: a generator that is only in `later` gets its reservations and no segments.
    """
    merged = {part.generator: part for part in parts}
    for part in later:
        earlier = merged.get(part.generator)
        if earlier is None:
            earlier = replace(part, segments=(), sha256s=(), seal=None, damage=())
        if earlier.seal is None:
            earlier = replace(earlier, reserved=max(earlier.reserved, part.reserved))
        merged[part.generator] = earlier
    return [merged[generator] for generator in sorted(merged)]


def _read_generator(
    filesystem: pafs.FileSystem, folder: str, tag: str, pool: ThreadPoolExecutor, known: Known
) -> GeneratorLedger:
    entries = sorted(
        (
            entry
            for entry in filesystem.get_file_info(pafs.FileSelector(folder))
            if entry.is_file and not entry.base_name.startswith(".")
        ),
        key=lambda entry: entry.base_name,
    )
    generator = int(folder.rsplit("/", 1)[-1])
    files = [entry for entry in entries if entry.base_name.startswith("segment-")]
    segments = tuple(entry.base_name for entry in files)
    damage: list[str] = []
    reserved = _read_reservations(filesystem, entries, pool, known, damage)
    has_seal = any(entry.base_name == "seal.json" for entry in entries)
    seal = _read_seal(filesystem, folder, damage) if has_seal else None
    sealed = {segment.name: segment.sha256 for segment in seal.segments} if seal else {}
    check = functools.partial(_check_segment, filesystem, tag, generator, known)
    checks = list(pool.map(check, files))
    for entry, checked in zip(files, checks, strict=True):
        damage += checked.damage
        if sealed.get(entry.base_name, checked.sha256) != checked.sha256:
            damage.append(f"{entry.path} has changed since it was sealed")
    if seal is not None:
        damage += seal_damage(tag, generator, folder, seal, segments)
    sha256s = tuple(checked.sha256 for checked in checks)
    return GeneratorLedger(generator, reserved, segments, seal, tuple(damage), sha256s)


def _file_key(entry: pafs.FileInfo) -> _File:
    return entry.path, entry.size, entry.mtime_ns


def _read_reservations(
    filesystem: pafs.FileSystem,
    entries: Iterable[pafs.FileInfo],
    pool: ThreadPoolExecutor,
    known: Known,
    damage: list[str],
) -> int:
    """Return the end of the last reserved block; a gap between blocks is damage."""
    files = [entry for entry in entries if entry.base_name.startswith("reservation-")]
    read = functools.partial(_read_reservation, filesystem, known)
    end_seq = 0
    for index, (entry, block) in enumerate(zip(files, pool.map(read, files), strict=True)):
        follows = block is not None and block.first_seq == end_seq < block.end_seq
        if block is None or not follows or entry.base_name != f"reservation-{index:06}.json":
            damage.append(f"{entry.path} does not hold the next block of sequence numbers")
            continue
        end_seq = block.end_seq
    return end_seq


def _read_reservation(
    filesystem: pafs.FileSystem, known: Known, entry: pafs.FileInfo
) -> Reservation | None:
    """Read a reservation; None if the file does not hold one."""
    file = _file_key(entry)
    if file not in known.reservations:
        try:
            block = Reservation(**json.loads(_read(filesystem, entry.path)))
            is_sound = isinstance(block.first_seq, int) and isinstance(block.end_seq, int)
        except (ValueError, TypeError):
            is_sound = False
        known.reservations[file] = block if is_sound else None
    return known.reservations[file]


def _read_seal(filesystem: pafs.FileSystem, folder: str, damage: list[str]) -> Seal | None:
    try:
        content = json.loads(_read(filesystem, f"{folder}/seal.json"))
        if content["format"] not in READABLE:
            damage.append(
                f"{folder}/seal.json has format {content['format']!r}, and this version reads "
                f"{' and '.join(map(str, sorted(READABLE)))}: use the version of headcount that "
                "wrote it"
            )
            return None
        if "run_id" in content:
            content["tag"] = content.pop("run_id")
        segments = tuple(Segment(**segment) for segment in content.pop("segments"))
        return Seal(segments=segments, **content)
    except (ValueError, TypeError, KeyError):
        damage.append(f"{folder}/seal.json cannot be read")
        return None


def _check_segment(
    filesystem: pafs.FileSystem, tag: str, generator: int, known: Known, entry: pafs.FileInfo
) -> _SegmentCheck:
    """Check a segment; it is read completely, and only once."""
    file = _file_key(entry)
    if file not in known.segments:
        content = _read(filesystem, entry.path)
        damage = tuple(segment_damage(tag, generator, entry.path, content))
        known.segments[file] = _SegmentCheck(hashlib.sha256(content).hexdigest(), damage)
    return known.segments[file]


def _read(filesystem: pafs.FileSystem, path: str) -> bytes:
    with filesystem.open_input_stream(path) as stream:
        return bytes(stream.read())
