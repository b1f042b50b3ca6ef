"""The session: a FastHttpSession whose requests can name the event they should cause."""

import contextlib
import json
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from locust.contrib.fasthttp import (
    FAILURE_EXCEPTIONS,
    ErrorResponse,
    FastHttpSession,
    FastResponse,
    ResponseContextManager,
    _construct_basic_auth_str,
)
from locust.exception import StopUser

from headcount.plugin.attempts.attempt import NOTHING_REPORTED, Attempt, LedgerFailedError
from headcount.plugin.attempts.recorder import Recorder
from headcount.plugin.attempts.refusal import not_comparable, without_event
from headcount.plugin.event_id import has_mark, shown
from headcount.plugin.http.client import LedgerUserAgent
from headcount.plugin.http.delivery_headers import delivery_of
from headcount.plugin.http.id_placement import hide_id_in_error, place_id
from headcount.plugin.http.once_only_connections import OnceOnlyPool, check_pool
from headcount.plugin.http.payload import PLAIN_KEYWORDS, Payload
from headcount.plugin.http.request_phases import record_phases
from headcount.plugin.http.request_template import PlacedTemplate, RequestTemplate
from headcount.plugin.http.response import (
    AccountedError,
    AccountedResponse,
    HeldResponse,
    PlainContextManager,
    PlainResponse,
    length_of,
    read_whole,
)
from headcount.plugin.http.response_outcome import by_error, by_rules, by_status
from headcount.plugin.options import HttpWay
from headcount.plugin.scenario_errors import stop_exception
from headcount.run.request_outcome import Outcome
from headcount.run.state_changes import Changes

_ACCOUNTED = {FastResponse: AccountedResponse, ErrorResponse: AccountedError}


class LedgerSession(FastHttpSession):
    """Lets every request method declare the event that the request should cause in the topic.

    `event=` makes a request accounted for: its fields are compared with the event in the topic.
    `event_type=` is its row in the report, by default the event's own field `event_type`.
    `changes=` is how the event, if it happens, changes the state of its owner. The response then
    has an `outcome`: what the generator knows of the request. With `catch_response=True` the
    `with` block may set it, and `failure()` makes an acknowledged request indeterminate.
    `due_at_ns` is when the next request should be sent, by the monotonic clock; it applies to one
    request only.
    """

    due_at_ns: int | None = None
    client: LedgerUserAgent

    def __init__(
        self,
        *args: Any,
        recorder: Recorder | None,
        user_name: str,
        http_way: HttpWay = HttpWay.LEAN,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        check_pool(user_name, kwargs.get("client_pool"))
        if kwargs.get("client_pool") is None:
            self.client.clientpool = OnceOnlyPool(**self.client.clientpool.client_args)
        if http_way is HttpWay.GENERAL:
            self.client.clientpool.is_plain = False
        self.client.__class__ = LedgerUserAgent  # Locust offers no other way to choose the agent
        self._recorder = recorder
        self._probe = getattr(kwargs.get("user"), "probe", None)
        if recorder is not None:
            self.client.id_header = recorder.id_settings.header
        self._outcome_rules = () if recorder is None else recorder.outcome_rules
        self._user_name = user_name

    if TYPE_CHECKING:  # Locust's signatures list all keywords, without `event`
        get: Callable[..., ResponseContextManager]
        post: Callable[..., ResponseContextManager]
        put: Callable[..., ResponseContextManager]
        patch: Callable[..., ResponseContextManager]
        delete: Callable[..., ResponseContextManager]

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        """Send a request as Locust does; for a streamed response, wait only for the head."""
        if kwargs.get("event") is not None:
            if not args and kwargs.keys() <= PLAIN_KEYWORDS:
                template, payload = self._plain_request(method, url, kwargs)
                if template is not None:
                    return self._request_plain(template, payload, url, **kwargs)
            url, kwargs["name"] = shown(url), shown(kwargs.get("name"))
            if kwargs.get("stream"):
                kwargs["streams"] = True
            if kwargs.get("catch_response"):
                response = super().request(method, url, *args, is_held=True, **kwargs)
                response.__class__ = HeldResponse  # Locust creates the response itself
                return response
        return super().request(method, url, *args, **kwargs)

    def open_ahead(self) -> None:
        """Open a connection to the host in advance; the first request will raise its errors."""
        if self.base_url:
            # A proxy's refusal or a custom TLS context may raise any other exception.
            with contextlib.suppress(Exception, *FAILURE_EXCEPTIONS):
                self.client.clientpool.open_ahead(self.base_url)

    def _plain_request(
        self, method: str, url: str, kwargs: dict[str, Any]
    ) -> tuple[RequestTemplate | None, Payload]:
        """Return a request's template and payload; no template if the request is not plain."""
        payload, headers = kwargs.get("data"), kwargs.get("headers")
        sends_json = not payload and kwargs.get("json") is not None
        if sends_json:
            payload = json.dumps(kwargs["json"])
        elif payload and not isinstance(payload, str | bytes):
            return None, None
        try:
            auth = kwargs.get("auth")
            authorization = _construct_basic_auth_str(*auth) if auth else self.auth_header
            items = tuple(headers.items()) if headers else ()
            fields = items, authorization, sends_json
            template = self.client.template(method, self.base_url, url, fields)
        except (TypeError, ValueError):  # Locust's own path reports the mistake
            return None, None
        if template is not None and payload and not template.names_type:
            return None, None
        return template, payload

    def _request_plain(
        self,
        template: RequestTemplate,
        payload: Payload,
        url: str,
        *,
        event: dict[str, object],
        name: str | None = None,
        catch_response: bool = False,
        context: Mapping[str, Any] | None = None,
        event_type: str | None = None,
        changes: Changes | None = None,
        **_: Any,
    ) -> FastResponse:
        """Do what Locust's session does for a plain request, and no more."""
        meta = self._meta(template, name or self.request_name or url, context)
        started_s = time.perf_counter()
        attempt = self._begin(template.method, meta["name"], event, event_type, changes)
        response = self._send_once(template, payload, attempt, is_held=catch_response)
        meta["response_time"] = (time.perf_counter() - started_s) * 1000
        meta["response"], meta["exception"] = response, getattr(response, "error", None)
        meta["response_length"] = length_of(response)
        if not catch_response:
            self.request_event.fire(**meta)
            return response
        if isinstance(response, PlainResponse):
            return PlainContextManager(response, self.request_event, meta)
        return HeldResponse(response, self.request_event, meta, True)

    def _meta(
        self, template: RequestTemplate, name: str, context: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """The arguments of Locust's request event that are known before the response."""
        of_user = {} if self.user is None else self.user.context()
        return {
            "request_type": template.method,
            "name": shown(name) if type(template) is PlacedTemplate else name,
            "context": {**of_user, **context} if context else {**of_user},
            "start_time": time.time(),
            "url": template.shown_url,
        }

    def _send_once(
        self, template: RequestTemplate, payload: Payload, attempt: Attempt, *, is_held: bool
    ) -> FastResponse:
        try:
            response = self.client.send_plain(template, payload, attempt.event_id)
            cut_by = None if isinstance(response, PlainResponse) else read_whole(response)
        except BaseException as error:  # also when the user is killed
            self._unanswered(attempt, error)
            raise
        self._record(attempt, response, cut_by, is_held=is_held)
        return response

    def _begin(
        self,
        method: str,
        name: str,
        event: dict[str, object],
        event_type: str | None,
        changes: Changes | None,
    ) -> Attempt:
        due_at_ns, self.due_at_ns = self.due_at_ns, None
        if self._recorder is None:
            raise StopUser  # nothing would account for the request
        if self._probe is not None and self._probe.is_over(self._recorder.attempted):
            raise stop_exception(self.user)
        if getattr(self.user, "killed", False):
            self.user.heed_kill()  # type: ignore[union-attr] # only a LedgerUser has `killed`
        try:
            event_type = event_type or str(event.get("event_type", method))
            attempt = self._recorder.begin(event, event_type, self._user_name, changes, due_at_ns)
        except AttributeError as error:  # the event is not a mapping
            refused = not_comparable(self._user_name, event, event_type or method, error)
            self._recorder.refuse(refused)
            raise stop_exception(self.user) from None
        except LedgerFailedError:
            raise stop_exception(self.user) from None  # the run is being stopped with this error
        if (event_type, method, name) not in (endpoints := self._recorder.endpoints).recorded:
            endpoints.add(event_type, method, name)
        return attempt

    def _unanswered(self, attempt: Attempt, error: BaseException) -> None:
        assert self._recorder is not None
        self._recorder.unanswered(attempt, Outcome.INDETERMINATE, type(error).__name__)

    def _send_request_safe_mode(
        self,
        method: str,
        url: str,
        *,
        event: dict[str, object] | None = None,
        event_type: str | None = None,
        changes: Changes | None = None,
        streams: bool = False,
        is_held: bool = False,
        **kwargs: Any,
    ) -> FastResponse:
        if event is None:
            self.due_at_ns = None
            self._note_without_event(url, kwargs)
            return super()._send_request_safe_mode(method, url, **kwargs)
        attempt = self._begin(method, url, event, event_type, changes)
        try:
            sent_url = place_id(url, kwargs, self.client, attempt.event_id)
            if self._probe is not None:
                self._probe.add_headers(kwargs["headers"], self.client, attempt.seq)
            # A redirect or a retry would reuse the id for a second request.
            kwargs["max_redirects"] = kwargs["max_retries"] = 0
            response = super()._send_request_safe_mode(method, sent_url, **kwargs)
            hide_id_in_error(response, url, attempt.event_id)
            response.__class__ = _ACCOUNTED.get(type(response), type(response))
            cut_by = None if streams else read_whole(response)
        except BaseException as error:  # also when the user is killed
            self._unanswered(attempt, error)
            raise
        self._record(attempt, response, cut_by, is_held=is_held, has_body=not streams)
        return response

    def _note_without_event(self, url: str, kwargs: dict[str, Any]) -> None:
        """Count a request without an event. Stop the run if it should contain an id."""
        recorder = self._recorder
        if recorder is None:
            return
        if has_mark(url) or has_mark(kwargs):
            recorder.refuse(without_event(self._user_name))
            raise stop_exception(self.user)
        recorder.shortfall.without_event += 1

    def _record(
        self,
        attempt: Attempt,
        response: FastResponse,
        cut_by: BaseException | None,
        *,
        is_held: bool,
        has_body: bool = True,
    ) -> None:
        recorder = self._recorder
        assert recorder is not None
        record_phases(recorder, attempt, response)
        status, error, delivery = response.status_code, None, NOTHING_REPORTED
        if cut_by is not None:
            outcome = Outcome.INDETERMINATE
            error = f"the response was cut off: {type(cut_by).__name__}: {cut_by}"
        elif status:
            delivery = delivery_of(response)
            if self._outcome_rules:
                outcome = by_rules(response, self._outcome_rules, has_body=has_body)
            else:
                outcome = by_status(response, status)
        else:
            cause: Exception = getattr(response, "error")  # noqa: B009 - only on failed responses
            outcome, error = by_error(cause), f"{type(cause).__name__}: {cause}"
        response._outcome = outcome  # type: ignore[attr-defined] # noqa: SLF001 - for the scenario
        if is_held:
            response._row = recorder.hold(attempt, status, outcome, error, delivery)  # type: ignore[attr-defined] # noqa: SLF001
        elif error is None:
            recorder.answered(attempt, outcome, status, delivery)
        else:
            recorder.unanswered(attempt, outcome, error)
