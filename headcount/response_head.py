"""The answer: where its parts stand in the bytes of a plain HTTP/1.1 response. Pure.

Plain is what a service says all the time: a final status, a head without anything unusual, and a
body of a length that is told. Of everything else nothing is said here but that it is not plain:
chunks, encodings, a connection that ends, interim answers, a head that comes in pieces and whatever
is malformed are for a parser of all of HTTP, which is given the same bytes.
"""

import re
from typing import NamedTuple

LONGEST_HEAD = 16_384
LONGEST_BODY = 1 << 20
"""An answer with more is not plain."""
_DIGITS = len(str(LONGEST_BODY))

# Stricter than RFC 9112: no folded lines, no bare line ends, no control characters.
_HEAD = re.compile(
    rb"HTTP/1\.1 ([2-5][0-9][0-9])(?: [\t\x20-\x7e\x80-\xff]*+)?\r\n"
    rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]++:[\t\x20-\x7e\x80-\xff]*+\r\n)*+\r\n"
)
_FRAMING = re.compile(
    rb"\r\n(content-length|connection|transfer-encoding|content-encoding|upgrade|proxy-connection)"
    rb":([^\r]*+)"
)
_LENGTH, _CONNECTION = b"content-length", b"connection"
_BODILESS = frozenset({204, 304})


class Frame(NamedTuple):
    """A plain answer's status, where its body begins and the whole ends; `head` in small letters.

    `end` is beyond what there is as long as the answer is not whole.
    """

    status: int
    body_at: int
    end: int
    head: bytes


def frame(data: bytes, *, is_bodiless: bool) -> Frame | None:
    """Find the parts of an answer that begins with `data`; None if that is not a plain head.

    `is_bodiless` says that the request was one whose answer has no body, such as HEAD.
    """
    found = _HEAD.match(data, 0, LONGEST_HEAD)
    if found is None:
        return None
    status, body_at = int(found[1]), found.end()
    head = data[:body_at].lower()
    length = _length(head)
    if length is None:
        return None
    if is_bodiless or status in _BODILESS:
        # Some say how long the body would be that they leave out, some send it all the same.
        return Frame(status, body_at, body_at, head) if is_bodiless or length <= 0 else None
    return None if length < 0 else Frame(status, body_at, body_at + length, head)


def _length(head: bytes) -> int | None:
    """Read how long a body is, -1 if that is not told; None if the head is not plain."""
    length = -1
    for name, value in _FRAMING.findall(head):
        text = value.strip(b" \t")
        if name == _LENGTH and length < 0 and text.isdigit() and len(text) <= _DIGITS:
            length = int(text)
        elif name != _CONNECTION or text != b"keep-alive":
            return None
    return length if length <= LONGEST_BODY else None


def fields(data: bytes, body_at: int) -> list[tuple[str, str]]:
    """List the names and values of a plain answer's head, in order."""
    lines = data[:body_at].decode("latin-1").split("\r\n")
    parted = (line.partition(":") for line in lines[1:-2])  # the head ends in an empty line
    return [(name, value.strip(" \t")) for name, _, value in parted]
