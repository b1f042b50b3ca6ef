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
from locust.contrib.fasthttp import FastRequest, absolute_http_url_regexp

from headcount.plugin.event_id import IN_URL, MARK, MARK_BYTES, shown, with_id
from headcount.plugin.http.id_header_value import is_traceparent, value_of

MOST_TEMPLATES = 4096
_TARGET = re.compile(r"/(?!/)[!-~]*|/")
_FRAMING = frozenset({"content-length", "transfer-encoding", "expect"})
_BODY_EXPECTED = frozenset({"POST", "PUT", "PATCH"})

Items = tuple[tuple[str, str], ...]
"""Names and values of header fields, in order."""

SessionFields = tuple[Items, str | None, bool]
"""What a session knows of a request's header fields.

The fields that the scenario gave, the authorization if any, and whether the payload is JSON.
"""


@dataclass(frozen=True, slots=True)
class RequestTemplate:
    """The parts common to similar requests: everything except the id, the body and its length.

    `prefix` is the beginning of the message: it ends where the value of the header `id_header` is
    to be written. `raw` are the other headers as geventhttpclient stores them. `attributes` are
    what each request object is created with.
    `names_type` is true if the headers name a content type; only then may a request have a body.
    `shown_url` is the URL with `{event_id}` in place of an id, so that similar requests share one.
    """

    method: str
    id_header: str
    url: URL
    place: tuple[str, int | None]
    prefix: bytes
    raw: Mapping[str, Any]
    attributes: Mapping[str, Any]
    names_type: bool
    shown_url: str

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
        headers[self.id_header] = value_of(self.id_header, event_id)
        request.method, request.headers, request.payload = self.method, headers, payload  # type: ignore[assignment]
        return request


@dataclass(frozen=True, slots=True)
class PlacedTemplate(RequestTemplate):
    """The parts of requests whose URL or headers contain the id, or whose id is a trace-id."""

    def head(self, event_id: str, length: int) -> bytes:
        """Return the head of a request whose body has `length` bytes."""
        head = RequestTemplate.head(self, value_of(self.id_header, event_id), length)
        return head.replace(MARK_BYTES, event_id.encode())

    def request(self, event_id: str, payload: str | bytes | None) -> FastRequest:
        """Create the request object for a response."""
        url = self.attributes["url"].replace(MARK, event_id)
        headers = Headers()
        dict.update(headers, with_id(dict(self.raw), event_id))
        headers[self.id_header] = value_of(self.id_header, event_id)
        request = FastRequest(url, method=self.method, headers=headers)
        request.payload = payload  # type: ignore[assignment] # as in Locust's own path
        return request


@functools.lru_cache(maxsize=MOST_TEMPLATES)
def template_of(  # noqa: PLR0917 - a cache looks positional arguments up faster
    method: str,
    base_url: str | None,
    path: str,
    fields: SessionFields,
    defaults: tuple[tuple[str, tuple[str, str]], ...],
    id_header: str,
) -> RequestTemplate | None:
    """Let geventhttpclient write and check the common parts once; None if the request is not plain.

    `path` is appended to `base_url`, unless it is a whole URL.

    Raises ValueError if geventhttpclient refuses a header.
    """
    url, items = _url(base_url, path), _request_fields(*fields)
    request = FastRequest(url.replace(IN_URL, MARK), headers=Headers())
    split = request.url_split
    target = split.quoted_uri or "/"
    if not _TARGET.fullmatch(target) or method != method.upper():
        return None  # Locust's own path reports the mistake
    headers = Headers([field for _, field in defaults])
    headers.update(items)
    names = {name.lower() for name in headers}
    if id_header.lower() in names or _FRAMING & names:
        return None
    if not all(isinstance(text, str) for _, text in items):
        return None
    # The message is the same with TLS, but a TLS client would load all CA certificates.
    client = HTTPClient(split.host, split.port)
    written = client._build_request(method, "/", headers=headers)  # noqa: SLF001
    lines = written.removesuffix("\r\n\r\n").split("\r\n")[1:]
    kept = [line for line in lines if not line.lower().startswith("content-length:")]
    first = f"{method} {target} {client.version}"
    prefix = "\r\n".join([first, *kept, f"{id_header}: "]).encode("latin-1")
    raw, place = dict(dict.items(headers)), (split.host, split.port)
    is_plain = MARK_BYTES not in prefix and not is_traceparent(id_header)
    kind = RequestTemplate if is_plain else PlacedTemplate
    return kind(
        *(method, id_header, split, place, prefix, raw, vars(request)),
        names_type="content-type" in headers,
        shown_url=shown(request.url),
    )


def _url(base_url: str | None, path: str) -> str:
    """Return a request's URL, as Locust's session builds it."""
    return path if absolute_http_url_regexp.match(path) else f"{base_url}{path}"


def _request_fields(items: Items, authorization: str | None, sends_json: bool) -> Items:
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
