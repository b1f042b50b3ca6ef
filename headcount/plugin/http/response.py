"""Responses to requests that are accounted for: Locust's own, plus an outcome.

The rarely used parts of a plain response are created on first use: its headers, its request, and
geventhttpclient's response object, which is parsed again from the same bytes.
"""

import functools
from types import TracebackType
from typing import Any, Self

from geventhttpclient.header import Headers
from locust.contrib.fasthttp import (
    FAILURE_EXCEPTIONS,
    ErrorResponse,
    FastRequest,
    FastResponse,
    ResponseContextManager,
)
from locust.exception import LocustError

from headcount.plugin.attempts.held_row import HeldRow
from headcount.plugin.http.decoding import DecodingError, decoded
from headcount.plugin.http.parser import OneAnswer
from headcount.plugin.http.payload import body_of
from headcount.plugin.http.request_template import RequestTemplate
from headcount.plugin.http.transport import PlainAnswer
from headcount.response_head import fields
from headcount.run.request_outcome import Outcome, of_failure, parse_outcome


class _ReturnedConnection:
    """Stands for a connection that has already been returned, and for its pool."""

    def return_socket(self, _connection: object) -> None:
        """Do nothing."""

    release_socket = return_socket


_RETURNED: Any = _ReturnedConnection()


class Accounted:
    """A response with the outcome of its request."""

    _outcome: Outcome
    _undecodable = ""
    first_byte_s: float | None = None
    """How long the first byte took from the end of sending, in s; None if it is unknown."""

    @property
    def outcome(self) -> Outcome:
        """What the generator knows of the request."""
        return self._outcome

    @outcome.setter
    def outcome(self, value: object) -> None:
        raise _too_late(value)

    def _content(self) -> bytes:
        """Read and decode the body. DecodingError as in `decoded`, each time."""
        if self._undecodable:
            raise DecodingError(self._undecodable)
        try:
            return decoded(self, super()._content)  # type: ignore[misc] # a FastResponse's
        except DecodingError as error:
            self._undecodable = str(error)
            raise


def _too_late(value: object) -> LocustError:
    return LocustError(
        f"response.outcome = {value!r} comes too late, because the ledger already has the outcome: "
        "make the request with catch_response=True, and set the outcome in its with block"
    )


class HeldResponse(Accounted, ResponseContextManager):
    """A response whose outcome is written when its `with` block ends or it is garbage-collected.

    The block may set `outcome`. If it does not, calling an acknowledged response a failure makes it
    indeterminate; calling any response a success changes nothing. If an exception leaves the block
    before it has decided, that counts as calling the response a failure, because nobody knows what
    the block would have decided. The row always has the outcome so far, in case the run ends within
    the block.
    """

    _row: HeldRow
    _is_set = False
    _is_in_block = False

    @property
    def outcome(self) -> Outcome:
        """What the generator knows of the request."""
        return self._outcome

    @outcome.setter
    def outcome(self, value: object) -> None:
        if self._row.is_written:
            raise _too_late(value)
        self._outcome, self._is_set = parse_outcome(value), True
        self._update()

    def success(self) -> None:
        """Report a success to Locust; the outcome does not change."""
        super().success()  # type: ignore[no-untyped-call]
        self._update()

    def failure(self, exc: object) -> None:
        """Report a failure to Locust; an acknowledged response becomes indeterminate."""
        super().failure(exc)  # type: ignore[no-untyped-call]
        self._update()

    def __enter__(self) -> Self:
        """Begin the block that may decide on the outcome."""
        super().__enter__()  # type: ignore[no-untyped-call]
        self._is_in_block = True
        self._update()
        return self

    def __exit__(  # type: ignore[override] # geventhttpclient's takes anything
        self,
        exc: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        """Report to Locust as usual, and to the ledger."""
        try:
            is_handled: bool = super().__exit__(exc, value, traceback)  # type: ignore[no-untyped-call]
            return is_handled
        finally:
            self._is_in_block = exc is not None
            self._end()

    def __del__(self) -> None:
        """Close the request if its response was never used in a `with` block."""
        self._end()

    def _outcome_so_far(self) -> Outcome:
        result = self._manual_result
        is_undecided = result is None and self._is_in_block
        if not self._is_set and (is_undecided or isinstance(result, Exception)):
            return of_failure(self._outcome)
        return self._outcome

    def _update(self) -> None:
        self._row.set_outcome(self._outcome_so_far())

    def _end(self) -> None:
        if not self._row.is_written:
            self._outcome = self._outcome_so_far()
            self._row.set_outcome(self._outcome)
            self._row.write()


class AccountedResponse(Accounted, FastResponse):
    """A response that is not plain."""

    @property
    def first_byte_s(self) -> float | None:  # type: ignore[override] # it is never set
        """How long the first byte took from the end of sending, in s."""
        return getattr(self._response, "first_byte_s", None)

    @classmethod
    def of(
        cls, answer: OneAnswer, request: FastRequest, sent: str, elapsed_s: float
    ) -> "AccountedResponse":
        """Create it as Locust's own path does."""
        answer._sent_request = sent  # noqa: SLF001 - a name of geventhttpclient's
        response = cls(answer, request, sent)
        response._elapsed = elapsed_s
        return response


class AccountedError(Accounted, ErrorResponse):
    """Stands for the response of a request that got none."""


class PlainResponse(Accounted, FastResponse):
    """A plain response, read completely."""

    status_code = 0
    """The response's status; an attribute of its own, because each request reads it often."""

    def __init__(
        self,
        answer: PlainAnswer,
        template: RequestTemplate,
        payload: str | bytes | None,
        event_id: str,
        elapsed_s: float,
    ) -> None:
        self._answer = answer
        self.status_code = answer.frame.status
        self.first_byte_s = answer.first_byte_s
        self._request_parts = template, payload, event_id
        self._elapsed = elapsed_s

    @property
    def head(self) -> bytes:
        """The raw head, in lowercase."""
        return self._answer.frame.head

    @functools.cached_property
    def headers(self) -> Headers:  # type: ignore[override]
        """The response's headers."""
        headers = Headers()
        for name, value in fields(self._answer.data, self._answer.frame.body_at):
            headers.add(name, value)
        return headers

    @functools.cached_property
    def request(self) -> FastRequest:  # type: ignore[override]
        """The request that was sent."""
        template, payload, event_id = self._request_parts
        return template.request(event_id, payload)

    @property
    def _request(self) -> FastRequest:  # type: ignore[override]
        return self.request

    @functools.cached_property
    def _sent_request(self) -> str:  # type: ignore[override]
        template, payload, event_id = self._request_parts
        return template.head(event_id, len(body_of(payload))).decode("latin-1")

    @functools.cached_property
    def _history(self) -> list[Any]:  # type: ignore[override]
        return []

    @functools.cached_property
    def _response(self) -> OneAnswer:  # type: ignore[override]
        template, answer = self._request_parts[0], self._answer
        parsed = OneAnswer(_RETURNED, _RETURNED, method=template.method, pre_buffered=answer.data)
        parsed._sent_request = self._sent_request  # noqa: SLF001 - as on Locust's own path
        parsed.read()  # marks the body as read
        return parsed

    @property
    def length(self) -> int:
        """The number of bytes of the body."""
        frame = self._answer.frame
        return frame.end - frame.body_at

    @property
    def content(self) -> bytes:
        """The response's body, which is not encoded."""
        return self._answer.data[self._answer.frame.body_at :]


class PlainContextManager(HeldResponse, PlainResponse):
    """A plain response in a `with` block, which can mark it as a success or a failure."""

    def __init__(self, response: PlainResponse, request_event: Any, request_meta: Any) -> None:
        self.__dict__.update(response.__dict__)
        self._elapsed = response._elapsed  # noqa: SLF001 - a slot, so not in `__dict__`
        self._request_event = request_event
        self.request_meta = request_meta
        self._catch_response = True


def length_of(response: FastResponse) -> int:
    """Return the number of body bytes read."""
    if isinstance(response, PlainResponse):
        return response.length
    try:
        return len(response.content or b"")
    except FAILURE_EXCEPTIONS:
        return 0


def read_whole(response: FastResponse) -> BaseException | None:
    """Read a response to its end; return the error that cut it off, if any.

    A body that cannot be decoded is complete: Locust counts it as a failure, but it is a response.
    """
    try:
        _ = response.content
    except FAILURE_EXCEPTIONS as error:
        response.error = error  # type: ignore[attr-defined] # where Locust looks for it
        return None if isinstance(error, DecodingError) else error
    return None


def content_read(response: FastResponse) -> bytes:
    """Return the part of the body read so far, since a stream may never end."""
    if isinstance(response, PlainResponse):
        return response.content
    content: bytes = getattr(response, "_cached_content", None) or b""
    return content
