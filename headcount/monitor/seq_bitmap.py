"""Sets of sequence numbers as paged bitmaps: each page is an integer of PAGE bits.

At 10,000 numbers per second, memory grows by about 1.3 kB per second.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

PAGE = 4096

Pages = Mapping[int, int]
"""The bits of each page, by page number."""
Packed = list[tuple[int, str]]
"""The same as plain values for msgpack and JSON."""
SeqRange = tuple[int, int]
"""The first and the last of consecutive numbers."""


def pages_of(seqs: Iterable[int]) -> dict[int, int]:
    """Build the bitmap of these numbers."""
    ordered = sorted(set(seqs))
    pages: dict[int, int] = {}
    start = 0
    while start < len(ordered):
        number = ordered[start] // PAGE
        end = bisect_left(ordered, (number + 1) * PAGE, start)
        pages[number] = _bits_of(ordered[start:end], number * PAGE)
        start = end
    return pages


def pages_of_ranges(ranges: Iterable[SeqRange]) -> dict[int, int]:
    """Build the bitmap of all numbers in these ranges."""
    pages: dict[int, int] = {}
    for first, last in ranges:
        for number in range(first // PAGE, last // PAGE + 1):
            base = number * PAGE
            start, end = max(first - base, 0), min(last - base + 1, PAGE)
            pages[number] = pages.get(number, 0) | (1 << end) - (1 << start)
    return pages


def _bits_of(ordered: Sequence[int], base: int) -> int:
    """Set the bits of numbers in the page that begins with `base`; fast if they have no gaps."""
    first, count = ordered[0], len(ordered)
    if ordered[-1] - first + 1 == count:
        return (1 << count) - 1 << first - base
    page = bytearray(PAGE >> 3)
    for seq in ordered:
        bit = seq - base
        page[bit >> 3] |= 1 << (bit & 7)
    return int.from_bytes(page, "little")


def packed(pages: Pages) -> Packed:
    """Convert pages to plain values."""
    return [(number, f"{bits:x}") for number, bits in pages.items()]


def unpacked(values: Iterable[Iterable[object]]) -> dict[int, int]:
    """Convert the output of `packed` back. ValueError if the values are malformed."""
    return {int(str(number)): int(str(bits), 16) for number, bits in values}
