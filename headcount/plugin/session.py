"""The session: Locust's FastHttpSession, whose requests may name the event that they ask for."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from locust.contrib.fasthttp import (
    FAILURE_EXCEPTIONS,
    FastHttpSession,
    FastResponse,
    ResponseContextManager,
)
from locust.exception import StopUser

from headcount.changes import Changes
from headcount.errors import UsageError
from headcount.ids import HEADER
from headcount.outcome import Outcome, of_error, of_status
from headcount.plugin.agent import LedgerAgent, OnceOnlyPool
from headcount.plugin.recorder import NOTHING_TOLD, Attempt, LedgerFailedError, Recorder, Told

PARTITION_HEADER, OFFSET_HEADER = "x-event-partition", "x-event-offset"
SERVER_HEADER = "x-served-by"
_LONGEST_SERVER, _LONGEST_NUMBER = 64, 19
_PLAIN = {"headers", "payload"}


class LedgerSession(FastHttpSession):
    """Adds to every request method what the topic must hold for it.

    `event=` are the fields that are compared, and make the request one that is accounted for;
    `event_type=` is its row in the report, by default the event's own field `event_type`.
    `changes=` is what it does to the state of its owner, if it is done. The answer has the
    `outcome` then: what the generator knows of the request. `due_at_ns` is when the next one should
    be sent, by the monotonic clock; it holds for one request alone.
    """

    due_at_ns: int | None = None

    def __init__(
        self, *args: Any, recorder: Recorder | None, user_name: str, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if kwargs.get("client_pool") is None:
            self.client.clientpool = OnceOnlyPool(**self.client.clientpool.client_args)
        elif not isinstance(self.client.clientpool, OnceOnlyPool):
            raise UsageError(f"{user_name}.client_pool must be a OnceOnlyPool, which never resends")
        self.client.__class__ = LedgerAgent  # Locust leaves no other way to choose the agent
        self._recorder = recorder
        self._user_name = user_name

    if TYPE_CHECKING:  # Locust's signatures name every keyword, and `event` is not among them
        get: Callable[..., ResponseContextManager]
        post: Callable[..., ResponseContextManager]
        put: Callable[..., ResponseContextManager]
        patch: Callable[..., ResponseContextManager]
        delete: Callable[..., ResponseContextManager]

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        """Ask as Locust does; of an answer that is a stream, only the head is waited for."""
        if kwargs.get("stream") and kwargs.get("event") is not None:
            kwargs["streams"] = True
        return super().request(method, url, *args, **kwargs)

    def _send_request_safe_mode(
        self,
        method: str,
        url: str,
        *,
        event: dict[str, object] | None = None,
        event_type: str | None = None,
        changes: Changes | None = None,
        streams: bool = False,
        **kwargs: Any,
    ) -> FastResponse:
        due_at_ns, self.due_at_ns = self.due_at_ns, None
        if event is None:
            return super()._send_request_safe_mode(method, url, **kwargs)
        if self._recorder is None or getattr(self.user, "killed", False):
            raise StopUser  # it would be a request that nothing accounts for
        event_type = event_type or str(event.get("event_type", method))
        try:
            attempt = self._recorder.begin(event, event_type, self._user_name, changes, due_at_ns)
        except LedgerFailedError:
            raise StopUser from None  # the run is being stopped, and says why
        try:
            response = self._ask(method, url, attempt.event_id, kwargs)
            cut_by = None if streams else _read_whole(response)
        except BaseException as error:  # a user that is killed ends here, too
            self._recorder.unanswered(attempt, Outcome.INDETERMINATE, type(error).__name__)
            raise
        self._note(attempt, response, cut_by)
        return response

    def _ask(self, method: str, url: str, event_id: str, kwargs: dict[str, Any]) -> FastResponse:
        """Send the short way what can go it."""
        agent: Any = self.client
        response: FastResponse | None = None
        if kwargs.keys() == _PLAIN:
            headers, payload = kwargs["headers"], kwargs["payload"]
            if not payload or isinstance(payload, str | bytes):
                response = agent.ask(method, url, headers, payload, event_id)
        if response is not None:
            return response
        kwargs["headers"][HEADER] = event_id
        kwargs["max_redirects"] = 0  # one would carry the identity to a second request
        return super()._send_request_safe_mode(method, url, **kwargs)

    def _note(self, attempt: Attempt, response: FastResponse, cut_by: BaseException | None) -> None:
        recorder = self._recorder
        assert recorder is not None
        status = response.status_code
        if cut_by is not None:
            outcome = Outcome.INDETERMINATE
            told = f"the answer broke off: {type(cut_by).__name__}: {cut_by}"
            recorder.unanswered(attempt, outcome, told)
        elif status:
            retry_after = status >= 500 and "retry-after" in (response.headers or ())  # noqa: PLR2004
            outcome = of_status(status, retry_after=retry_after)
            recorder.answered(attempt, outcome, status, _told(response))
        else:
            error: Exception = getattr(response, "error")  # noqa: B009 - only on answers that failed
            outcome = of_error(error)
            recorder.unanswered(attempt, outcome, f"{type(error).__name__}: {error}")
        response.outcome = outcome  # type: ignore[attr-defined] # for the scenario


def _told(response: FastResponse) -> Told:
    """Read what the answer tells of its event, as far as it makes sense."""
    headers = response.headers
    if headers is None:
        return NOTHING_TOLD
    # The fields as they are stored, by small letters: `headers.get` takes 1 µs to find nothing.
    served, partition = dict.get(headers, SERVER_HEADER), dict.get(headers, PARTITION_HEADER)
    offset = dict.get(headers, OFFSET_HEADER)
    if served is None and partition is None:
        return NOTHING_TOLD
    place = _number(partition, 31), _number(offset, 63)
    server = served[1] if isinstance(served, tuple) and len(served[1]) <= _LONGEST_SERVER else None
    return Told(None, None, server) if None in place else Told(*place, server)


def _number(field: object, bits: int) -> int | None:
    """Read a header that anyone may write, if it is there once, as a whole number of so many bits.

    `field` is as `Headers` stores it: its name and value, or a list of such.
    """
    if not isinstance(field, tuple):
        return None
    text: str = field[1]
    if not text.isascii() or not text.isdigit() or len(text) > _LONGEST_NUMBER:
        return None
    number = int(text)
    return number if number < 1 << bits else None


def _read_whole(response: FastResponse) -> BaseException | None:
    """Read an answer to its end; give what broke it off, which makes it none."""
    try:
        _ = response.content
    except FAILURE_EXCEPTIONS as error:
        response.error = error  # type: ignore[attr-defined] # where Locust looks for it
        return error
    return None
