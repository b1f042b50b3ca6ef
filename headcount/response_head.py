"""Finds the head and the body in the bytes of a plain HTTP/1.1 response. Pure.

A plain response is what a service usually sends: a final status, a head with nothing unusual, and a
body whose length the head states. Everything else is only reported as not plain: chunks, encodings,
a connection that closes, interim responses, a head that arrives in pieces, malformed bytes. A full
HTTP parser then gets the same bytes.
"""

import functools
import re
from typing import NamedTuple

LONGEST_HEAD = 16_384
LONGEST_BODY = 1 << 20
"""A response with a longer body is not plain."""
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
_END = b"\r\n\r\n"
_LENGTH, _CONNECTION = b"content-length", b"connection"
_BODILESS = frozenset({204, 304})


class Frame(NamedTuple):
    """A plain response: its status, the offsets of its body and its end, its head in lowercase.

    `end` lies beyond the data until the response is complete.
    """

    status: int
    body_at: int
    end: int
    head: bytes


def frame(data: bytes, *, is_bodiless: bool) -> Frame | None:
    """Return the frame of a response that begins with `data`; None if its head is not plain.

    `is_bodiless` says that the request was one whose response has no body, such as HEAD.
    """
    body_at = data.find(_END, 0, LONGEST_HEAD) + len(_END)
    parsed = _parsed(data[:body_at]) if body_at >= len(_END) else None
    if parsed is None:
        return None
    status, length, head = parsed
    if is_bodiless or status in _BODILESS:
        # A response to HEAD may state the length of the body that it omits. With 204 or 304, a
        # server that states a length may also send the body, so the response is not plain.
        return Frame(status, body_at, body_at, head) if is_bodiless or length <= 0 else None
    if length < 0:
        return None
    # A named tuple's own constructor would take 1.5 times as long, and this runs for every
    # response.
    return tuple.__new__(Frame, (status, body_at, body_at + length, head))


# Many responses of a load test have equal heads; within one second, even their Date is equal.
@functools.lru_cache(maxsize=256)
def _parsed(head: bytes) -> tuple[int, int, bytes] | None:
    """Return the status, what `_length` returns, and the head in lowercase; None if not plain."""
    match = _HEAD.fullmatch(head)
    if match is None:
        return None
    lowercase = head.lower()
    length = _length(lowercase)
    return None if length is None else (int(match[1]), length, lowercase)


def _length(head: bytes) -> int | None:
    """Return the length of the body, -1 if not stated; None if the head is not plain."""
    length = -1
    for name, value in _FRAMING.findall(head):
        text = value.strip(b" \t")
        if name == _LENGTH and length < 0 and text.isdigit() and len(text) <= _DIGITS:
            length = int(text)
        elif name != _CONNECTION or text != b"keep-alive":
            return None
    return length if length <= LONGEST_BODY else None


def fields(data: bytes, body_at: int) -> list[tuple[str, str]]:
    """Return the names and values of a plain response's header fields, in order."""
    lines = data[:body_at].decode("latin-1").split("\r\n")
    parted = (line.partition(":") for line in lines[1:-2])  # the head ends in an empty line
    return [(name, value.strip(" \t")) for name, _, value in parted]
