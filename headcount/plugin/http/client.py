"""The client: sends each request once, and plain requests by a shorter path through the code.

A plain request has no parameters, files or cookies to send and uses no proxy, and its headers name
the content type of its body, if it has one. The parts common to similar plain requests are written
once, as a template; each request adds its id, its length and its body. All other requests take
Locust's own path, through geventhttpclient; a scenario cannot tell which path a request took.
"""

import contextlib
import time
from typing import Any

from locust.contrib.fasthttp import (
    FAILURE_EXCEPTIONS,
    FastResponse,
    LocustBadStatusCode,
    LocustUserAgent,
)

from headcount.plugin.event_id import MARK_BYTES, SIGN
from headcount.plugin.http.decoding import DecodingError, decoded
from headcount.plugin.http.once_only_connections import OnceOnlyPool
from headcount.plugin.http.payload import body_of, in_payload
from headcount.plugin.http.request_template import RequestTemplate, SessionFields, template_of
from headcount.plugin.http.response import (
    AccountedError,
    AccountedResponse,
    PlainResponse,
)
from headcount.plugin.http.transport import PlainAnswer, exchange
from headcount.run.ids import HEADER

SIGN_BYTE = ord(SIGN)


class LedgerUserAgent(LocustUserAgent):
    """Locust's user agent, with a method that sends plain requests."""

    clientpool: OnceOnlyPool
    id_header = HEADER

    @classmethod
    def _conversation_str(cls, _url: str, resp: FastResponse, *_: Any, **_options: Any) -> str:  # type: ignore[override]
        """Read the body of an error response, before geventhttpclient closes the connection.

        geventhttpclient calls this for its log of the conversation, which nobody reads, and which
        fails if the body is not UTF-8.
        """
        with contextlib.suppress(DecodingError):
            decoded(resp, lambda: resp.content)
        return ""

    def template(
        self, method: str, base_url: str | None, path: str, fields: SessionFields
    ) -> RequestTemplate | None:
        """Return the template of a request with these fields; None if the request is not plain.

        Raises ValueError for a header that geventhttpclient refuses.
        """
        jar = self.cookiejar
        # Checking `_cookies` first is cheaper than `len`, which counts the cookies one by one.
        if (jar is not None and jar._cookies and len(jar)) or not self.clientpool.is_plain:  # type: ignore[attr-defined] # noqa: SLF001
            return None
        try:
            defaults = tuple(dict.items(self.default_headers))
            return template_of(method, base_url, path, fields, defaults, self.id_header)
        except TypeError:  # such as a header value that is a list, which has no hash
            return None

    def send_plain(
        self, template: RequestTemplate, payload: str | bytes | None, event_id: str
    ) -> FastResponse:
        """Send a request, and return its response or its error."""
        body = body_of(payload)
        if SIGN_BYTE in body and MARK_BYTES in body:
            payload = in_payload(payload, event_id)
            body = body_of(payload)
        head = template.head(event_id, len(body))
        began_s = time.monotonic()
        try:
            pool = self.clientpool
            client = pool.clients.get(template.place) or pool.get_client(template.url)
            answer = exchange(client, head + body, template.method)
        except FAILURE_EXCEPTIONS as error:
            return AccountedError(template.request(event_id, payload), error)  # type: ignore[arg-type] # gevent's Timeout
        response: FastResponse
        if isinstance(answer, PlainAnswer):
            elapsed_s = answer.ended_s - began_s
            response = PlainResponse(answer, template, payload, event_id, elapsed_s)
            has_cookies = b"\r\nset-cookie:" in answer.frame.head
        else:
            sent = head.decode("latin-1")
            request, elapsed_s = template.request(event_id, payload), time.monotonic() - began_s
            response = AccountedResponse.of(answer, request, sent, elapsed_s)
            has_cookies = "set-cookie" in answer
        status = response.status_code
        if status not in self.valid_response_codes:
            response.error = LocustBadStatusCode(template.shown_url, code=status)  # type: ignore[union-attr]
        if has_cookies and self.cookiejar is not None:
            self.cookiejar.extract_cookies(response, response.request)  # type: ignore[arg-type]
        return response
