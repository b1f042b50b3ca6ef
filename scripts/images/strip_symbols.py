"""Removes what follows the last segment of shared libraries: symbols, which only debuggers use.

`python strip_symbols.py FOLDER`. The loader reads a library by its segments (elf(5)), so its table
of sections, which names the removed parts, is not needed either.
"""

import struct
import sys
from collections.abc import Iterator
from pathlib import Path

_ELF_64_LITTLE_ENDIAN = b"\x7fELF\x02\x01"
_HEADER_SIZE = 64
_SEGMENTS = struct.Struct("<QQIHHHHHH")  # from byte 32: e_phoff, e_shoff, …, e_shstrndx
_SEGMENT = struct.Struct("<IIQQQQQQ")  # p_type, p_flags, p_offset, p_vaddr, p_paddr, p_filesz, …


def strip(path: Path) -> int:
    """Shorten a library to its last segment; return the bytes removed, 0 for any other file."""
    with path.open("r+b") as file:
        header = bytearray(file.read(_HEADER_SIZE))
        if len(header) < _HEADER_SIZE or not header.startswith(_ELF_64_LITTLE_ENDIAN):
            return 0
        fields = list(_SEGMENTS.unpack_from(header, 32))
        offset, size, number = fields[0], fields[4], fields[5]
        file.seek(offset)
        end = max(offset + size * number, *_ends(file.read(size * number)))
        removed: int = file.seek(0, 2) - end
        if removed <= 0:
            return 0
        fields[1] = fields[7] = fields[8] = 0
        _SEGMENTS.pack_into(header, 32, *fields)
        file.seek(0)
        file.write(header)
        file.truncate(end)
    return removed


def _ends(segments: bytes) -> Iterator[int]:
    for _type, _flags, offset, _address, _physical, size, *_ in _SEGMENT.iter_unpack(segments):
        yield offset + size


def libraries(folder: Path) -> Iterator[Path]:
    """Yield the shared libraries below a folder."""
    for path in folder.rglob("*.so*"):
        if path.is_file() and not path.is_symlink():
            yield path


if __name__ == "__main__":
    print(f"removed {sum(map(strip, libraries(Path(sys.argv[1])))) / 1e6:.0f} MB of symbols")
