"""Encodings: guesses how bytes that are not UTF-8 are encoded, from the first few of them."""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

_MOST_BYTES = 1 << 20
_WITH_GZIP_HEADER = 31


@dataclass(frozen=True, slots=True)
class EncodedText:
    """The name of an encoding, and the text in UTF-8; empty if it cannot be decoded here."""

    name: str
    content: bytes


def recoded(value: bytes) -> EncodedText | None:
    """Recognize an encoding, and decode the beginning of the text; None if it is not known."""
    for start, (name, decode) in _ENCODINGS.items():
        if value.startswith(start):
            try:
                return EncodedText(name, decode(value))
            except (zlib.error, UnicodeDecodeError):
                return EncodedText(name, b"")
    return None


def _from_gzip(value: bytes) -> bytes:
    return zlib.decompressobj(_WITH_GZIP_HEADER).decompress(value, _MOST_BYTES)


def _from_utf16(value: bytes) -> bytes:
    return value[:_MOST_BYTES].decode("utf-16").encode()


_ENCODINGS: Final[Mapping[bytes, tuple[str, Callable[[bytes], bytes]]]] = {
    b"\x1f\x8b": ("compressed by gzip", _from_gzip),
    b"\x28\xb5\x2f\xfd": ("compressed by zstd", lambda _: b""),
    b"\xff\xfe": ("in UTF-16", _from_utf16),
    b"\xfe\xff": ("in UTF-16", _from_utf16),
}
"""By the bytes that a text begins with."""
