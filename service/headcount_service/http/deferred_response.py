"""Deferred answers: those that wait for an acknowledgement, and need no thread to wait with them.

To any WSGI server a deferred answer is an iterable that begins once it is known what became of its
event. A server that knows of them (`deferring.py`) gives its thread other work until then.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from flask import Response

from headcount_service.http.route import TEXT
from headcount_service.publish.publisher import Publication, RecordPosition

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class DeferredBody:
    """What a WSGI server gets; to iterate it may block until its deadline, unless it is settled."""

    def __init__(self, publication: Publication, begin: Callable[[], Iterable[bytes]]) -> None:
        """Make one that calls `begin` for its status, headers and body."""
        self._publication = publication
        self._begin = begin

    @property
    def deadline_s(self) -> float:
        """When the answer can be given at the latest, by the monotonic clock."""
        return self._publication.deadline_s

    def when_settled(self, then: Callable[[], None]) -> None:
        """Call `then` once, in any thread, as soon as the answer can be given."""
        self._publication.when_settled(then)

    def __iter__(self) -> Iterator[bytes]:
        """Give status and headers, and the body."""
        return iter(self._begin())


class DeferredResponse(Response):
    """A good answer to a request whose event is on its way; it becomes another if that fails."""

    def __init__(
        self,
        text: str,
        publication: Publication,
        *,
        good: Callable[[Response, RecordPosition | None], Response],
        bad: Callable[[Exception], Response],
    ) -> None:
        """Make one that passes through `good` once its event is placed, or gives way to `bad`."""
        super().__init__(text, content_type=TEXT)
        self._publication = publication
        self._good = good
        self._bad = bad

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Give the server something that it can wait for."""
        return DeferredBody(self._publication, lambda: self._begin(environ, start_response))

    def _begin(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        try:
            self._good(self, self._publication.place())
        except Exception as error:  # noqa: BLE001 - Flask's error handlers have had their turn
            return self._bad(error)(environ, start_response)
        return super().__call__(environ, start_response)
