"""Sets of sequence numbers as paged bitmaps: each page is an integer of PAGE bits.

At 10,000 numbers per second, memory grows by about 1.3 kB per second.
"""

from collections.abc import Iterable, Mapping

PAGE = 4096

Pages = Mapping[int, int]
"""The bits of each page, by page number."""
Packed = list[tuple[int, str]]
"""The same as plain values for msgpack and JSON."""


def pages_of(seqs: Iterable[int]) -> dict[int, int]:
    """Build the bitmap of these numbers."""
    pages: dict[int, bytearray] = {}
    for seq in seqs:
        number, bit = divmod(seq, PAGE)
        page = pages.get(number)
        if page is None:
            page = pages[number] = bytearray(PAGE >> 3)
        page[bit >> 3] |= 1 << (bit & 7)
    return {number: int.from_bytes(page, "little") for number, page in pages.items()}


def packed(pages: Pages) -> Packed:
    """Convert pages to plain values."""
    return [(number, f"{bits:x}") for number, bits in pages.items()]


def unpacked(values: Iterable[Iterable[object]]) -> dict[int, int]:
    """Convert the output of `packed` back. ValueError if the values are malformed."""
    return {int(str(number)): int(str(bits), 16) for number, bits in values}
