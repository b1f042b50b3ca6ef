"""The responses of requests that are accounted for, as Locust's own, and with an outcome.

What a scenario seldom looks at of a plain answer is made when it does: the header, the request, and
the answer as geventhttpclient keeps it, which is read anew from the same bytes.
"""

import functools
from collections.abc import Callable
from types import TracebackType
from typing import Any

from geventhttpclient.header import Headers
from locust.contrib.fasthttp import (
    FAILURE_EXCEPTIONS,
    ErrorResponse,
    FastRequest,
    FastResponse,
    ResponseContextManager,
)
from locust.exception import LocustError, ResponseError

from headcount.plugin.http.parser import OneAnswer
from headcount.plugin.http.template import RequestTemplate, body_of
from headcount.plugin.http.transport import PlainAnswer
from headcount.response_head import fields
from headcount.run.outcome import Outcome, of_failure, parse_outcome


class _Gone:
    """A connection that is back already, and where an answer gives it back to."""

    def return_socket(self, _connection: object) -> None:
        """Do nothing."""

    release_socket = return_socket


_GONE: Any = _Gone()


class Accounted:
    """A response with what the generator knows of its request."""

    _outcome: Outcome

    @property
    def outcome(self) -> Outcome:
        """What the generator knows of the request."""
        return self._outcome

    @outcome.setter
    def outcome(self, value: object) -> None:
        raise _too_late(value)


def _too_late(value: object) -> LocustError:
    return LocustError(
        f"response.outcome = {value!r} comes too late, for the outcome is in the ledger: make the "
        "request with catch_response=True, and set it in its with block"
    )


class HeldResponse(Accounted, ResponseContextManager):
    """A response whose outcome is written when its `with` block has ended, or it is let go.

    The block may set `outcome`. Where it does not, an acknowledgement that it calls a failure
    proves nothing any more; what it calls a success is still what the answer says it is.
    """

    _settle: Callable[[Outcome], None]
    _is_said = False
    _is_settled = False

    @property
    def outcome(self) -> Outcome:
        """What the generator knows of the request."""
        return self._outcome

    @outcome.setter
    def outcome(self, value: object) -> None:
        if self._is_settled:
            raise _too_late(value)
        self._outcome, self._is_said = parse_outcome(value), True

    def __exit__(  # type: ignore[override] # geventhttpclient's takes anything
        self,
        exc: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        """Report to Locust as it does, and to the ledger."""
        try:
            is_handled: bool = super().__exit__(exc, value, traceback)  # type: ignore[no-untyped-call]
            return is_handled
        finally:
            result = self._manual_result
            is_failure = isinstance(result, Exception) or (
                result is None and isinstance(value, ResponseError)
            )
            if is_failure and not self._is_said:
                self._outcome = of_failure(self._outcome)
            self._end()

    def __del__(self) -> None:
        """Leave no request open whose response nobody put into a `with` block."""
        self._end()

    def _end(self) -> None:
        if not self._is_settled:
            self._is_settled = True
            self._settle(self._outcome)


class AccountedResponse(Accounted, FastResponse):
    """The response of a request whose answer is not plain."""

    @classmethod
    def of(
        cls, answer: OneAnswer, request: FastRequest, sent: str, elapsed_s: float
    ) -> "AccountedResponse":
        """Make it as the general way does."""
        answer._sent_request = sent  # noqa: SLF001 - a name of geventhttpclient's
        response = cls(answer, request, sent)
        response._elapsed = elapsed_s
        return response


class AccountedError(Accounted, ErrorResponse):
    """What stands for the response of a request that got none."""


class PlainResponse(Accounted, FastResponse):
    """The response of a request whose answer is plain, and read to its end."""

    def __init__(
        self,
        answer: PlainAnswer,
        template: RequestTemplate,
        payload: str | bytes | None,
        event_id: str,
        elapsed_s: float,
    ) -> None:
        self._answer = answer
        self._asked = template, payload, event_id
        self._elapsed = elapsed_s

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
        template, payload, event_id = self._asked
        return template.request(event_id, payload)

    @property
    def _request(self) -> FastRequest:  # type: ignore[override]
        return self.request

    @functools.cached_property
    def _sent_request(self) -> str:  # type: ignore[override]
        template, payload, event_id = self._asked
        return template.head(event_id, len(body_of(payload))).decode("latin-1")

    @functools.cached_property
    def _history(self) -> list[Any]:  # type: ignore[override]
        return []

    @functools.cached_property
    def _response(self) -> OneAnswer:  # type: ignore[override]
        template, answer = self._asked[0], self._answer
        parsed = OneAnswer(_GONE, _GONE, method=template.method, pre_buffered=answer.data)
        parsed._sent_request = self._sent_request  # noqa: SLF001 - as the general way leaves it
        parsed.read()  # for so it was: what is left of it to read is nothing
        return parsed

    @property
    def content(self) -> bytes:
        """The answer's body, which has no encoding."""
        return self._answer.data[self._answer.frame.body_at :]


class PlainContextManager(HeldResponse, PlainResponse):
    """The same in a `with` block, which can mark it as a success or a failure."""

    def __init__(self, response: PlainResponse, request_event: Any, request_meta: Any) -> None:
        self.__dict__.update(response.__dict__)
        self._elapsed = response._elapsed  # noqa: SLF001 - it has a slot of its own
        self._request_event = request_event
        self.request_meta = request_meta
        self._catch_response = True


def length_of(response: FastResponse) -> int:
    """Return how many bytes of a body were read."""
    try:
        return len(response.content or b"")
    except FAILURE_EXCEPTIONS:
        return 0


def read_whole(response: FastResponse) -> BaseException | None:
    """Read an answer to its end; return the error that broke it off, if one did."""
    try:
        _ = response.content
    except FAILURE_EXCEPTIONS as error:
        response.error = error  # type: ignore[attr-defined] # where Locust looks for it
        return error
    return None


def content_read(response: FastResponse) -> bytes:
    """Return the body as far as it was read: a stream may have no end."""
    if isinstance(response, PlainResponse):
        return response.content
    content: bytes = getattr(response, "_cached_content", None) or b""
    return content
