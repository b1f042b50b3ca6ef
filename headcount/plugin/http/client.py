"""The agent: sends a request once, and a plain one by a shorter way than geventhttpclient's.

A request is plain if nothing of it calls for more than a head and a body: no parameters or files,
no cookies to send, no proxy, a body whose type is named. What is the same for all requests of a
kind is then written once, and each adds its identity and its length. Everything else goes the
general way; a scenario cannot tell the two apart.
"""

import functools
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from geventhttpclient.client import HTTPClient, HTTPClientPool
from geventhttpclient.header import Headers
from geventhttpclient.url import URL
from locust.contrib.fasthttp import (
    FAILURE_EXCEPTIONS,
    FastRequest,
    FastResponse,
    LocustBadStatusCode,
    LocustUserAgent,
)

from headcount.errors import UsageError
from headcount.plugin.http.response import AccountedError, AccountedResponse, PlainResponse, body_of
from headcount.plugin.http.transport import OnceOnlyConnections, PlainAnswer, exchange, take_over
from headcount.run.ids import HEADER

_TARGET = re.compile(r"/(?!/)[!-~]*|/")
_FRAMING = frozenset({"content-length", "transfer-encoding", "expect", HEADER.lower()})
_POOL_MUST_NOT_HAVE = frozenset({"headers", "headers_type", "version", "proxy_host"})
_BODY_EXPECTED = frozenset({"POST", "PUT", "PATCH"})
_KINDS = 4096

Items = tuple[tuple[str, str], ...]


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
            take_over(client._connection_pool)  # noqa: SLF001
        return client

    def open_ahead(self, url: str) -> None:
        """Open one connection. Raises one of FAILURE_EXCEPTIONS."""
        pool = self.get_client(url)._connection_pool  # noqa: SLF001
        assert isinstance(pool, OnceOnlyConnections)
        pool.open_ahead()


def check_pool(user_name: str, pool: object) -> None:
    """See that connections which users share never send a request twice. UsageError if not."""
    if pool is not None and not isinstance(pool, OnceOnlyPool):
        raise UsageError(
            f"{user_name}.client_pool is a {type(pool).__name__}, which may send a request twice: "
            "leave it out, or write `from headcount.plugin import OnceOnlyPool` and "
            "`client_pool = OnceOnlyPool(concurrency=10)`"
        )


@dataclass(frozen=True, slots=True)
class Kind:
    """What is the same for all requests of a kind: all but the identity, and the body's length.

    `prefix` is the message up to the identity, `raw` the header as geventhttpclient keeps it, and
    `attributes` are those of a request object. A body can be sent where its type is named.
    """

    method: str
    url: URL
    place: tuple[str, int | None]
    prefix: bytes
    raw: Mapping[str, Any]
    attributes: Mapping[str, Any]
    names_type: bool

    def head(self, event_id: str, length: int) -> bytes:
        """Write the head of a request whose body has a length."""
        if length or self.method in _BODY_EXPECTED:
            return b"%b%b\r\nContent-Length: %d\r\n\r\n" % (
                *(self.prefix, event_id.encode()),
                length,
            )
        return b"%b%b\r\n\r\n" % (self.prefix, event_id.encode())

    def request(self, event_id: str, payload: str | bytes | None) -> FastRequest:
        """Make what a response names as its request."""
        request = FastRequest.__new__(FastRequest)
        vars(request).update(self.attributes)
        headers = Headers()
        dict.update(headers, self.raw)
        headers[HEADER] = event_id
        request.method, request.headers, request.payload = self.method, headers, payload  # type: ignore[assignment]
        return request


class LedgerAgent(LocustUserAgent):
    """Locust's agent, with a way to send what is accounted for."""

    clientpool: OnceOnlyPool

    def kind(self, method: str, url: str, items: Items) -> Kind | None:
        """What kind of request one with these header fields is; None if it is not plain.

        ValueError for a header that geventhttpclient refuses.
        """
        jar = self.cookiejar
        # What it holds by domain, looked at before they are counted one by one.
        if (jar is not None and jar._cookies and len(jar)) or not self.clientpool.is_plain:  # type: ignore[attr-defined] # noqa: SLF001
            return None
        try:
            return _kind(method, url, items, tuple(dict.items(self.default_headers)))
        except TypeError:  # a value that is a list has no hash
            return None

    def ask(self, kind: Kind, payload: str | bytes | None, event_id: str) -> FastResponse:
        """Send a request of a kind, and give its answer or its error."""
        body = body_of(payload)
        head = kind.head(event_id, len(body))
        began_s = time.monotonic()
        try:
            pool = self.clientpool
            client = pool.clients.get(kind.place) or pool.get_client(kind.url)
            answer = exchange(client, head + body, kind.method)
        except FAILURE_EXCEPTIONS as error:
            return AccountedError(kind.request(event_id, payload), error)  # type: ignore[arg-type] # gevent's Timeout
        response: FastResponse
        if isinstance(answer, PlainAnswer):
            response = PlainResponse(answer, kind, payload, event_id)
            has_cookies = b"\r\nset-cookie:" in answer.frame.head
        else:
            sent = head.decode("latin-1")
            answer._sent_request = sent  # noqa: SLF001 - as the general way leaves it
            response = AccountedResponse(answer, kind.request(event_id, payload), sent)
            has_cookies = "set-cookie" in answer
        response._elapsed = time.monotonic() - began_s  # noqa: SLF001
        status = response.status_code
        if status not in self.valid_response_codes:
            response.error = LocustBadStatusCode(kind.attributes["url"], code=status)  # type: ignore[union-attr]
        if has_cookies and self.cookiejar is not None:
            self.cookiejar.extract_cookies(response, response.request)  # type: ignore[arg-type]
        return response


@functools.lru_cache(maxsize=_KINDS)
def _kind(
    method: str, url: str, items: Items, defaults: tuple[tuple[str, tuple[str, str]], ...]
) -> Kind | None:
    """Let geventhttpclient write and check what is the same, once. ValueError if it refuses it."""
    request = FastRequest(url, headers=Headers())
    split = request.url_split
    line = split.quoted_uri or "/"
    if not _TARGET.fullmatch(line) or method != method.upper():
        return None  # the general way says what is wrong with it
    headers = Headers([field for _, field in defaults])
    headers.update(items)
    if _FRAMING & {name.lower() for name in headers} or not all(
        isinstance(text, str) for _, text in items
    ):
        return None
    # What it writes is the same with TLS, for which it would read all authorities.
    client = HTTPClient(split.host, split.port)
    written = client._build_request(method, "/", headers=headers)  # noqa: SLF001
    lines = written.removesuffix("\r\n\r\n").split("\r\n")[1:]
    kept = [each for each in lines if not each.lower().startswith("content-length:")]
    first = f"{method} {line} {client.version}"
    prefix = "\r\n".join([first, *kept, f"{HEADER}: "]).encode("latin-1")
    raw, place = dict(dict.items(headers)), (split.host, split.port)
    return Kind(method, split, place, prefix, raw, vars(request), "content-type" in headers)
