"""The session: Locust's FastHttpSession, whose requests may name the event that they ask for."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from geventhttpclient.client import HTTPClient, HTTPClientPool
from geventhttpclient.url import URL
from locust.contrib.fasthttp import FastHttpSession, FastResponse, ResponseContextManager
from locust.exception import StopUser

from headcount.errors import UsageError
from headcount.ids import HEADER
from headcount.outcome import Outcome, of_error, of_status
from headcount.plugin.recorder import Attempt, LedgerFailedError, Recorder

_NO_REDIRECTS: frozenset[int] = frozenset()


class OnceOnlyPool(HTTPClientPool):
    """Connections on which a request is sent once.

    geventhttpclient sends a GET, PUT or DELETE again on a connection that broke, without a word.
    The service may then see one attempt twice, and the duplicate would be the generator's own.
    """

    def get_client(self, url: str | URL) -> HTTPClient:
        """Return the one client of the URL's host, which never sends again."""
        client = super().get_client(url)
        client._connection_pool.size = -1  # noqa: SLF001 - it is the number of repeats, less one
        return client


class LedgerSession(FastHttpSession):
    """Adds to every request method what the topic must hold for it.

    `event=` are the fields that are compared, and make the request one that is accounted for;
    `event_type=` is its row in the report, by default the event's own field `event_type`.
    """

    def __init__(
        self, *args: Any, recorder: Recorder | None, user_name: str, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if kwargs.get("client_pool") is None:
            self.client.clientpool = OnceOnlyPool(**self.client.clientpool.client_args)
        elif not isinstance(self.client.clientpool, OnceOnlyPool):
            raise UsageError(f"{user_name}.client_pool must be a OnceOnlyPool, which never resends")
        self._recorder = recorder
        self._user_name = user_name

    if TYPE_CHECKING:  # Locust's signatures name every keyword, and `event` is not among them
        get: Callable[..., ResponseContextManager]
        post: Callable[..., ResponseContextManager]
        put: Callable[..., ResponseContextManager]
        patch: Callable[..., ResponseContextManager]
        delete: Callable[..., ResponseContextManager]

    def _send_request_safe_mode(
        self,
        method: str,
        url: str,
        event: dict[str, object] | None = None,
        event_type: str | None = None,
        **kwargs: Any,
    ) -> FastResponse:
        if event is None or self._recorder is None:
            return super()._send_request_safe_mode(method, url, **kwargs)
        if getattr(self.user, "killed", False):
            raise StopUser
        event_type = event_type or str(event.get("event_type", method))
        try:
            attempt = self._recorder.begin(event, event_type, self._user_name)
        except LedgerFailedError:
            raise StopUser from None  # the run is being stopped, and says why
        kwargs["headers"][HEADER] = attempt.event_id
        agent: Any = self.client
        redirects = agent.redirect_response_codes
        # A redirect would carry the identity to a second request.
        agent.redirect_response_codes = _NO_REDIRECTS
        try:
            response = super()._send_request_safe_mode(method, url, **kwargs)
        except BaseException as error:  # a user that is killed ends here, too
            self._recorder.unanswered(attempt, Outcome.INDETERMINATE, type(error).__name__)
            raise
        finally:
            agent.redirect_response_codes = redirects
        self._note(attempt, response)
        return response

    def _note(self, attempt: Attempt, response: FastResponse) -> None:
        recorder = self._recorder
        assert recorder is not None
        status = response.status_code
        if status:
            retry_after = status >= 500 and "retry-after" in (response.headers or ())  # noqa: PLR2004
            recorder.answered(attempt, of_status(status, retry_after=retry_after), status)
        else:
            error: Exception = getattr(response, "error")  # noqa: B009 - only on answers that failed
            recorder.unanswered(attempt, of_error(error), f"{type(error).__name__}: {error}")
