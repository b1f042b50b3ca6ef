"""Response heads: a plain response is read as a full HTTP parser reads it, to the byte."""

import pytest
from geventhttpclient.response import HTTPParseError, HTTPResponse
from hypothesis import example, given, settings
from hypothesis import strategies as some

from headcount.response_head import LONGEST_BODY, LONGEST_HEAD, Frame, fields, frame

OK = b"HTTP/1.1 200 OK\r\n"
PLAIN = OK + b"Content-Length: 2\r\nConnection: keep-alive\r\n\r\nok"

NAMES = some.sampled_from(
    (
        *(b"Content-Length", b"content-length", b"Connection", b"Transfer-Encoding", b"Date"),
        *(b"Content-Encoding", b"Upgrade", b"X-Event-Offset", b"A b", b"", b"Trailer"),
        *(b"Keep-Alive", b"Proxy-Connection"),
    )
)
VALUES = some.sampled_from(
    (
        *(b"0", b"2", b"3", b" 2 ", b"\t2", b"+2", b"2, 2", b"-1", b"2a", b"close", b"keep-alive"),
        *(b"", b"Keep-Alive, close", b"chunked", b"gzip", b"a\x00b", b"\xe9", b"a\rb", b"a\nb"),
        *(b"\x7f", b"99999999999999999999", b"websocket", b"2\r\n folded"),
    )
)
STARTS = some.sampled_from(
    (
        *(OK, b"HTTP/1.1 204 No Content\r\n", b"HTTP/1.1 304 Not Modified\r\n"),
        *(b"HTTP/1.0 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n", b"HTTP/1.1 503 No\r\n"),
        *(b"HTTP/1.1 200\r\n", b"\r\n" + OK, b"HTTP/1.1 600 What\r\n", b"HTTP/1.1 20 OK\r\n"),
        *(b"HTTP/1.1  200 OK\r\n", b"HTTP/2 200\r\n", b"HTTP/1.1 200 OK\n", b"http/1.1 200 OK\r\n"),
        *(b"HTTP/1.1 200 \xfc\r\n", b"HTTP/1.1 205 R\r\n"),
    )
)
LINES = some.lists(some.tuples(NAMES, some.sampled_from([b":", b": ", b" :", b""]), VALUES))
BODIES = some.sampled_from([b"", b"o", b"ok", b"ok!", b"0\r\n\r\n", PLAIN])


def parsed(data: bytes, method: str) -> HTTPResponse | None:
    """Let the general parser read bytes; None if it refuses them."""
    response = HTTPResponse(method=method)
    try:
        response.feed(data)
    except HTTPParseError:
        return None
    return response


@settings(max_examples=2000, deadline=None)
@given(start=STARTS, lines=LINES, body=BODIES, is_head=some.booleans(), cut=some.integers(0, 60))
@example(start=OK, lines=[(b"Content-Length", b":", b"2")], body=b"ok", is_head=False, cut=0)
@example(start=OK, lines=[(b"Content-Length", b":", b"2")], body=b"", is_head=True, cut=0)
@example(start=OK, lines=[(b"Content-Length", b":", b" 2 ")], body=b"ok", is_head=False, cut=0)
def test_a_plain_response_is_what_the_general_parser_reads(
    start: bytes, lines: list[tuple[bytes, ...]], body: bytes, *, is_head: bool, cut: int
) -> None:
    """Status, fields, body and where it ends are the same; the connection can be used again."""
    data = start + b"".join(b"".join(line) + b"\r\n" for line in lines) + b"\r\n" + body
    data = data[: len(data) - cut] if cut else data
    head = frame(data, is_bodiless=is_head)
    if head is None or head.end > len(data):
        return
    general = parsed(data[: head.end], "HEAD" if is_head else "GET")
    assert general is not None
    assert general.message_complete
    assert not general.should_close()
    assert general.get_code() == head.status
    body_read = bytes(general._body_buffer)  # noqa: SLF001 - it has no socket to read from
    assert body_read == data[head.body_at : head.end]
    # The general parser keeps the blanks after a value, which are not part of it (RFC 9110, 5.5).
    parsed_fields = [(name, value.rstrip(" \t")) for name, value in general.items()]
    assert parsed_fields == _grouped(fields(data, head.body_at))


@settings(max_examples=1000, deadline=None)
@given(start=STARTS, lines=LINES, body=BODIES, cut=some.integers(0, 60))
def test_an_incomplete_response_is_awaited_only_if_more_must_come(
    start: bytes, lines: list[tuple[bytes, ...]], body: bytes, cut: int
) -> None:
    """If a response ends beyond the data, the general parser does not call it complete either."""
    data = start + b"".join(b"".join(line) + b"\r\n" for line in lines) + b"\r\n" + body
    data = data[: max(1, len(data) - cut)]
    head = frame(data, is_bodiless=False)
    if head is not None and head.end > len(data):
        general = parsed(data, "GET")
        assert general is None or not general.message_complete


def _grouped(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Fields of one name follow each other, as the general parser lists them."""
    order = list(dict.fromkeys(name.lower() for name, _ in pairs))
    return [pair for name in order for pair in pairs if pair[0].lower() == name]


@pytest.mark.parametrize(
    ("data", "status", "body"),
    [
        (PLAIN, 200, b"ok"),
        (b"HTTP/1.1 409 Conflict\r\ncontent-length:3\r\n\r\nno\n", 409, b"no\n"),
        (b"HTTP/1.1 204 No Content\r\nServer: a\r\n\r\n", 204, b""),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", 304, b""),
        (OK + b"Content-Length: 0\r\n\r\n", 200, b""),
    ],
)
def test_plain_responses(data: bytes, status: int, body: bytes) -> None:
    """Ordinary responses are plain, and complete to the byte."""
    head = frame(data, is_bodiless=False)
    assert head is not None
    assert (head.status, data[head.body_at : head.end], head.end) == (status, body, len(data))


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        OK + b"\r\nto the end",
        OK + b"Connection: close\r\nContent-Length: 0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n",
        OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        OK + b"Content-Length: -2\r\n\r\nok",
        OK + b"Content-Length: 2\r\n Folded: a\r\n\r\nok",
        OK + b"Content-Length : 2\r\n\r\nok",
        OK + b"Content-Length: %d\r\n\r\n" % (LONGEST_BODY + 1),
        OK + b"X: " + b"x" * LONGEST_HEAD,
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"no HTTP\r\n\r\n",
    ],
)
def test_other_responses_are_left_to_the_general_parser(data: bytes) -> None:
    """A response that is malformed, too long, or has no body of a stated length has no frame."""
    assert frame(data, is_bodiless=False) is None


def test_a_truncated_response_is_incomplete() -> None:
    """A truncated head has no frame; that of a truncated body ends where the body will end."""
    head_bytes = PLAIN.index(b"ok")
    for length in range(len(PLAIN)):
        head = frame(PLAIN[:length], is_bodiless=False)
        assert (head is None) == (length < head_bytes)
        assert head is None or head.end == len(PLAIN)


def test_a_response_to_head_has_no_body() -> None:
    """The stated length is that of the body that is left out."""
    data = OK + b"Content-Length: 9\r\n\r\n"
    head = frame(data, is_bodiless=True)
    assert isinstance(head, Frame)
    assert head.end == len(data)


def test_equal_heads_can_have_different_ends() -> None:
    """The request decides whether a body follows, however often the same head was parsed."""
    body_at = PLAIN.index(b"ok")
    ends = [frame(PLAIN, is_bodiless=is_bodiless) for is_bodiless in (True, False, True)]
    assert [head and head.end for head in ends] == [body_at, len(PLAIN), body_at]
