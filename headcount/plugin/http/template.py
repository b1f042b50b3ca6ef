"""The request template: the parts common to similar requests, written once.

Only this module uses private names of geventhttpclient's `HTTPClient`.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from geventhttpclient.client import HTTPClient
from geventhttpclient.header import Headers
from geventhttpclient.url import URL
from locust.contrib.fasthttp import FastRequest

from headcount.run.ids import HEADER

MOST_TEMPLATES = 4096
_TARGET = re.compile(r"/(?!/)[!-~]*|/")
_FRAMING = frozenset({"content-length", "transfer-encoding", "expect", HEADER.lower()})
_BODY_EXPECTED = frozenset({"POST", "PUT", "PATCH"})

Items = tuple[tuple[str, str], ...]
"""Names and values of header fields, in order."""


@dataclass(frozen=True, slots=True)
class RequestTemplate:
    """The parts common to similar requests: everything except the id, the body and its length.

    `prefix` is the message up to the id, `raw` the headers as geventhttpclient stores them, and
    `attributes` are those of a request object. `names_type` is true if the headers name a content
    type; only then may a request have a body.
    """

    method: str
    url: URL
    place: tuple[str, int | None]
    prefix: bytes
    raw: Mapping[str, Any]
    attributes: Mapping[str, Any]
    names_type: bool

    def head(self, event_id: str, length: int) -> bytes:
        """Return the head of a request whose body has `length` bytes."""
        if length or self.method in _BODY_EXPECTED:
            return b"%b%b\r\nContent-Length: %d\r\n\r\n" % (
                *(self.prefix, event_id.encode()),
                length,
            )
        return b"%b%b\r\n\r\n" % (self.prefix, event_id.encode())

    def request(self, event_id: str, payload: str | bytes | None) -> FastRequest:
        """Create the request object for a response."""
        request = FastRequest.__new__(FastRequest)
        vars(request).update(self.attributes)
        headers = Headers()
        dict.update(headers, self.raw)
        headers[HEADER] = event_id
        request.method, request.headers, request.payload = self.method, headers, payload  # type: ignore[assignment]
        return request


@functools.lru_cache(maxsize=MOST_TEMPLATES)
def template_of(
    method: str, url: str, items: Items, defaults: tuple[tuple[str, tuple[str, str]], ...]
) -> RequestTemplate | None:
    """Let geventhttpclient write and check the common parts once; None if they are not plain.

    Raises ValueError if geventhttpclient refuses a header.
    """
    request = FastRequest(url, headers=Headers())
    split = request.url_split
    target = split.quoted_uri or "/"
    if not _TARGET.fullmatch(target) or method != method.upper():
        return None  # Locust's own path reports the mistake
    headers = Headers([field for _, field in defaults])
    headers.update(items)
    if _FRAMING & {name.lower() for name in headers} or not all(
        isinstance(text, str) for _, text in items
    ):
        return None
    # The message is the same with TLS, but a TLS client would load all CA certificates.
    client = HTTPClient(split.host, split.port)
    written = client._build_request(method, "/", headers=headers)  # noqa: SLF001
    lines = written.removesuffix("\r\n\r\n").split("\r\n")[1:]
    kept = [line for line in lines if not line.lower().startswith("content-length:")]
    first = f"{method} {target} {client.version}"
    prefix = "\r\n".join([first, *kept, f"{HEADER}: "]).encode("latin-1")
    raw, place = dict(dict.items(headers)), (split.host, split.port)
    return RequestTemplate(
        method, split, place, prefix, raw, vars(request), "content-type" in headers
    )


@functools.lru_cache(maxsize=MOST_TEMPLATES)
def request_fields(items: Items, authorization: str | None, sends_json: bool) -> Items:
    """Return a request's header fields, including those that Locust's session adds."""
    headers = dict(items)
    if authorization:
        headers["Authorization"] = authorization
    if "Accept-Encoding" not in headers and "accept-encoding" not in headers:
        headers["Accept-Encoding"] = "gzip, deflate, br"
    if sends_json:
        if "Content-Type" not in headers and "content-type" not in headers:
            headers["Content-Type"] = "application/json"
        if "Accept" not in headers and "accept" not in headers:
            headers["Accept"] = "application/json"
    return tuple(headers.items())


def body_of(payload: str | bytes | None) -> bytes:
    """Return the bytes of a payload."""
    return payload.encode() if isinstance(payload, str) else payload or b""
