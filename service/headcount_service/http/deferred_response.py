"""Deferred responses: they wait for an acknowledgement without occupying a thread.

To any WSGI server a deferred body is an iterable that blocks until its event's outcome is known.
The service's own worker (`gunicorn_worker.py`) lets the thread handle other requests until then.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from flask import Response

from headcount_service.http.route import TEXT
from headcount_service.publish.protocols import Publication, RecordPosition

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class DeferredBody:
    """A WSGI body; iterating over it blocks until its event settles, or until the deadline."""

    def __init__(self, publication: Publication, begin: Callable[[], Iterable[bytes]]) -> None:
        """Create a body that calls `begin` to send status and headers and get the content."""
        self._publication = publication
        self._begin = begin

    @property
    def deadline_s(self) -> float:
        """The latest time of the response, by the monotonic clock."""
        return self._publication.deadline_s

    def when_settled(self, then: Callable[[], None]) -> None:
        """Call `then` once, in any thread, as soon as the response is ready."""
        self._publication.when_settled(then)

    def __iter__(self) -> Iterator[bytes]:
        """Send status and headers, and iterate over the content."""
        return iter(self._begin())


class DeferredResponse(Response):
    """A successful response to a request whose event is in flight; an error replaces it."""

    def __init__(
        self,
        text: str,
        publication: Publication,
        *,
        good: Callable[[Response, RecordPosition | None], Response],
        bad: Callable[[Exception], Response],
    ) -> None:
        """Create a response that `good` completes after success, and `bad` replaces on an error."""
        super().__init__(text, content_type=TEXT)
        self._publication = publication
        self._good = good
        self._bad = bad

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Return a body that the server can wait for."""
        return DeferredBody(self._publication, lambda: self._begin(environ, start_response))

    def _begin(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        try:
            self._good(self, self._publication.place())
        except Exception as error:  # noqa: BLE001 - Flask's error handlers have had their turn
            return self._bad(error)(environ, start_response)
        return super().__call__(environ, start_response)
