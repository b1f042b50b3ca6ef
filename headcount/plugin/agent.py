"""The agent: sends a request once, and a plain one by a shorter way than geventhttpclient's.

A request is plain if nothing of it calls for more than a head and a body: no parameters or files,
no cookies to send, no proxy, a body whose type is named. What is the same for all requests of a
kind is then written once, and each adds its identity and its length. Everything else goes the
general way; a scenario cannot tell the two apart.
"""

import errno
import functools
import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import gevent.socket
import geventhttpclient.client
from geventhttpclient.client import HTTPClient, HTTPClientPool
from geventhttpclient.connectionpool import ConnectionPool
from geventhttpclient.header import Headers
from geventhttpclient.response import (
    HTTPProtocolViolationError,
    HTTPSocketPoolResponse,
)
from geventhttpclient.url import URL
from locust.contrib.fasthttp import (
    FAILURE_EXCEPTIONS,
    ErrorResponse,
    FastRequest,
    FastResponse,
    LocustBadStatusCode,
    LocustUserAgent,
)

from headcount.ids import HEADER

_TARGET = re.compile(r"/(?!/)[!-~]*|/")
_FRAMING = frozenset({"content-length", "transfer-encoding", "expect", HEADER.lower()})
_POOL_MUST_NOT_HAVE = frozenset({"headers", "headers_type", "version", "proxy_host"})
_BODY_EXPECTED = frozenset({"POST", "PUT", "PATCH"})
_ID_FIELD = HEADER.lower()
_KINDS = 4096

Items = tuple[tuple[str, str], ...]


class OneAnswer(HTTPSocketPoolResponse):
    """The answer to one request: nothing that stands before or behind it passes for it.

    geventhttpclient gives a connection back when an interim answer (1xx) is read, though the final
    one is still to come: after a time-out the next request would read it as its own. And it takes
    what follows a final answer for a better one.
    """

    _is_final = False

    def _on_message_begin(self) -> None:
        if self._is_final:
            raise HTTPProtocolViolationError("more follows the answer")
        if self.message_begun:  # and was interim: make room for the final one
            self.message_complete = True
        super()._on_message_begin()

    def _on_message_complete(self) -> None:
        # An interim answer completes nothing, so its connection is not given back.
        if self.get_code() >= HTTPStatus.OK:
            self._is_final = self.message_complete = True
            self.release()


# Its client names the class of its answers itself, and takes no other.
geventhttpclient.client.HTTPSocketPoolResponse = OneAnswer  # type: ignore[attr-defined]


class OnceOnlyPool(HTTPClientPool):
    """Connections on which a request is sent once.

    geventhttpclient sends a GET, PUT or DELETE again on a connection that broke, without a word.
    The service may then see one attempt twice, and the duplicate would be the generator's own.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.is_plain = all(kwargs.get(name) is None for name in _POOL_MUST_NOT_HAVE)

    def get_client(self, url: str | URL) -> HTTPClient:
        """Return the one client of the URL's host, which never sends again."""
        if not isinstance(url, URL):
            url = URL(url)
        key = url.host, url.port
        client = self.clients.get(key)
        if client is None:
            client = self.clients[key] = HTTPClient.from_url(url, **self.client_args)
            pool = client._connection_pool  # noqa: SLF001 - nothing public reaches it
            pool.size = -1  # it is the number of repeats, less one
            if type(pool) is ConnectionPool:
                _quicken(pool)
        return client


@dataclass(frozen=True, slots=True)
class _Target:
    """A URL, taken apart: `line` is what stands in the request's first line."""

    url: URL
    line: str
    origin: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Fields:
    """The header of one kind of request, but for its identity and length; as text, and as read."""

    text: str
    raw: Mapping[str, Any]


class LedgerAgent(LocustUserAgent):
    """Locust's agent, with a way to send what is accounted for."""

    clientpool: OnceOnlyPool

    def ask(
        self, method: str, url: str, headers: dict[str, str], payload: str | bytes, event_id: str
    ) -> FastResponse | None:
        """Send a plain request, and give its answer or its error; None if it is not plain."""
        if len(self.cookiejar or ()) or not self.clientpool.is_plain:
            return None
        if payload and "Content-Type" not in headers and "content-type" not in headers:
            return None
        target = _target(url)
        fields = _fields_of(method, target, headers, self.default_headers) if target else None
        if target is None or fields is None:
            return None
        body = payload.encode() if isinstance(payload, str) else payload or b""
        length = f"\r\nContent-Length: {len(body)}" if body or method in _BODY_EXPECTED else ""
        head = f"{method} {target.line} {fields.text}{HEADER}: {event_id}{length}\r\n\r\n"
        request = _request(target, method, fields, payload, event_id)
        try:
            return self._answered(request, target, head, body)
        except FAILURE_EXCEPTIONS as error:
            return ErrorResponse(request, error)  # type: ignore[arg-type] # gevent's Timeout

    def _answered(
        self, request: FastRequest, target: _Target, head: str, body: bytes
    ) -> FastResponse:
        began_s = time.monotonic()
        client = self.clientpool.get_client(target.url)
        answer = _exchange(client, head.encode("latin-1") + body, request.method)
        answer._sent_request = head  # noqa: SLF001 - as the general way leaves it
        response = FastResponse(answer, request=request, sent_request=head)
        response._elapsed = time.monotonic() - began_s  # noqa: SLF001
        status = answer.get_code()
        if status not in self.valid_response_codes:
            response.error = LocustBadStatusCode(request.url, code=status)  # type: ignore[attr-defined]
        if self.cookiejar is not None and "set-cookie" in answer:
            self.cookiejar.extract_cookies(response, request)  # type: ignore[arg-type]
        return response


def _exchange(client: HTTPClient, message: bytes, method: str) -> OneAnswer:
    """Send a message once, and read the answer's header. Raises one of FAILURE_EXCEPTIONS."""
    pool = client._connection_pool  # noqa: SLF001
    connection = pool.get_socket()
    try:
        connection.sendall(message)
    except OSError as error:
        # A service may refuse a body, and close, before it has read it all: its answer counts.
        if error.errno not in {errno.ECONNRESET, errno.EPIPE}:
            pool.release_socket(connection)
            raise
    except BaseException:  # a user that is killed
        pool.release_socket(connection)
        raise
    return OneAnswer(
        connection, pool, block_size=client.block_size, method=method, headers_type=Headers
    )


@functools.lru_cache(maxsize=_KINDS)
def _target(url: str) -> _Target | None:
    request = FastRequest(url, headers=Headers())
    line = request.url_split.quoted_uri or "/"
    if not _TARGET.fullmatch(line):
        return None  # the general way says what is wrong with it
    split = request.url_split
    return _Target(split, line, f"{split.scheme}://{split.netloc}/", vars(request))


def _fields_of(
    method: str, target: _Target, headers: dict[str, str], defaults: Headers
) -> _Fields | None:
    try:
        return _fields(method, target.origin, tuple(headers.items()), tuple(dict.items(defaults)))
    except TypeError:  # a value that is a list has no hash
        return None


@functools.lru_cache(maxsize=_KINDS)
def _fields(
    method: str, origin: str, items: Items, defaults: tuple[tuple[str, tuple[str, str]], ...]
) -> _Fields | None:
    """Let geventhttpclient write and check a header, once. ValueError for one it refuses."""
    headers = Headers([field for _, field in defaults])
    headers.update(items)
    if _FRAMING & {name.lower() for name in headers} or not all(
        isinstance(text, str) for _, text in items
    ):
        return None
    client = HTTPClient.from_url(origin)
    written = client._build_request(method, "/", headers=headers)  # noqa: SLF001
    lines = written.removesuffix("\r\n\r\n").split("\r\n")[1:]
    kept = [line for line in lines if not line.lower().startswith("content-length:")]
    text = "\r\n".join([client.version, *kept, ""])
    return _Fields(text, dict(dict.items(headers)))


def _request(
    target: _Target, method: str, fields: _Fields, payload: str | bytes, event_id: str
) -> FastRequest:
    """Make what a response names as its request."""
    request = FastRequest.__new__(FastRequest)
    vars(request).update(target.attributes)
    headers = Headers()
    dict.update(headers, fields.raw)
    headers[HEADER] = event_id
    request.method, request.headers, request.payload = method, headers, payload  # type: ignore[assignment]
    return request


class _Idle:
    """Idle connections, the last used first: what geventhttpclient asks of a queue, and no more."""

    def __init__(self) -> None:
        self._sockets: list[gevent.socket.socket] = []

    def empty(self) -> bool:
        return not self._sockets

    def get(self, *, block: bool) -> gevent.socket.socket:
        assert not block
        return self._sockets.pop()

    def put(self, connection: gevent.socket.socket) -> None:
        self._sockets.append(connection)


def _quicken(pool: ConnectionPool) -> None:
    """Let a pool of plain connections look after them with fewer system calls and locks."""
    pool._socket_queue = _Idle()  # type: ignore[assignment] # noqa: SLF001
    pool._is_socket_alive = _is_quiet  # type: ignore[assignment, method-assign] # noqa: SLF001


def _is_quiet(connection: gevent.socket.socket | None) -> bool:
    """Tell whether an idle connection is open, with nothing to read."""
    if connection is None:
        return False
    try:
        raw: socket.socket = connection._sock  # type: ignore[attr-defined] # noqa: SLF001
        raw.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
