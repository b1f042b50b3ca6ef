"""The response: a plain answer, shown as Locust's own responses show theirs.

What a scenario seldom looks at is made when it does: the header, the request, and the answer as
geventhttpclient keeps it, which is read anew from the same bytes.
"""

import functools
from typing import TYPE_CHECKING, Any

from geventhttpclient.header import Headers
from locust.contrib.fasthttp import FastRequest, FastResponse, ResponseContextManager

from headcount.answer import fields
from headcount.plugin.exchange import OneAnswer, PlainAnswer

if TYPE_CHECKING:
    from headcount.plugin.agent import Kind


class _Gone:
    """A connection that is back already, and where an answer gives it back to."""

    def return_socket(self, _connection: object) -> None:
        """Do nothing."""

    release_socket = return_socket


_GONE: Any = _Gone()


class PlainResponse(FastResponse):
    """The response of a request whose answer is plain, and read to its end."""

    def __init__(
        self, answer: PlainAnswer, kind: "Kind", payload: str | bytes | None, event_id: str
    ) -> None:
        self._answer = answer
        self._asked = kind, payload, event_id
        self._elapsed = None

    @property
    def status_code(self) -> int:
        """The answer's status."""
        return self._answer.frame.status

    @property
    def head(self) -> bytes:
        """The header as it came, in small letters."""
        return self._answer.frame.head

    @functools.cached_property
    def headers(self) -> Headers:  # type: ignore[override]
        """The answer's header."""
        headers = Headers()
        for name, value in fields(self._answer.data, self._answer.frame.body_at):
            headers.add(name, value)
        return headers

    @functools.cached_property
    def request(self) -> FastRequest:  # type: ignore[override]
        """What was asked."""
        kind, payload, event_id = self._asked
        return kind.request(event_id, payload)

    @property
    def _request(self) -> FastRequest:  # type: ignore[override]
        return self.request

    @functools.cached_property
    def _sent_request(self) -> str:  # type: ignore[override]
        kind, payload, event_id = self._asked
        return kind.head(event_id, len(body_of(payload))).decode("latin-1")

    @functools.cached_property
    def _history(self) -> list[Any]:  # type: ignore[override]
        return []

    @functools.cached_property
    def _response(self) -> OneAnswer:  # type: ignore[override]
        kind, answer = self._asked[0], self._answer
        made = OneAnswer(_GONE, _GONE, method=kind.method, pre_buffered=answer.data)
        made._sent_request = self._sent_request  # noqa: SLF001 - as the general way leaves it
        made.read()  # for so it was: what is left of it to read is nothing
        return made

    @property
    def content(self) -> bytes:
        """The answer's body, which has no encoding."""
        return self._answer.data[self._answer.frame.body_at :]


class PlainContextManager(PlainResponse, ResponseContextManager):
    """The same in a `with` block, which can mark it as a success or a failure."""

    def __init__(self, response: PlainResponse, request_event: Any, request_meta: Any) -> None:
        self.__dict__.update(response.__dict__)
        self._elapsed = response._elapsed  # noqa: SLF001 - it has a slot of its own
        self._request_event = request_event
        self.request_meta = request_meta
        self._catch_response = True


def body_of(payload: str | bytes | None) -> bytes:
    """Give the bytes of a payload."""
    return payload.encode() if isinstance(payload, str) else payload or b""
