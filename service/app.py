"""The game API: each route turns a request into one event, and answers when it is published.

`create_app` takes its collaborators, the settings and a publisher, so that another WSGI module can
serve the same application around another publisher:

    settings = load_settings()
    app = create_app(settings, FaultyPublisher(make_publisher(settings)))

`gunicorn -c service/gunicorn.conf.py that.module:app` then runs it: the hooks of that file find the
publisher of whatever application is served through `publisher_of`, start it in each worker after
the fork, and close it when the worker ends.
"""

import logging
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flask import Flask, Request, Response, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException

from service.errors import (
    Fault,
    NotPublished,
    OutcomeUnknown,
    RecordTooLarge,
    RequestError,
)
from service.events import HeaderLimits, build_event
from service.parameters import (
    Given,
    GuildParameters,
    NoParameters,
    Parameters,
    SwordParameters,
    check_parameters,
    parse_json_object,
    show,
)
from service.problems import problem
from service.publisher import Publisher
from service.settings import Settings

log = logging.getLogger(__name__)

RETRY_AFTER_S = 1
_EXTENSION = "publisher"
_JSON = "application/json"
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


@dataclass(frozen=True, slots=True)
class Action:
    """What a player can do: where, which event it makes, what it takes and what it is told."""

    path: str
    event_type: str
    parameters: type[Parameters]
    answer: str


ACTIONS = (
    Action("/", "default", NoParameters, "This is the default response!\n"),
    Action("/purchase_a_sword", "purchase_sword", SwordParameters, "Sword Purchased!\n"),
    Action("/join_guild", "join_guild", GuildParameters, "Guild Joined!\n"),
)


def new_receipt() -> str:
    """What tells one request that was taken from every other, also of the same client's."""
    return uuid.uuid4().hex


def create_app(
    settings: Settings, publisher: Publisher, receipts: Callable[[], str] = new_receipt
) -> Flask:
    """The application around a publisher, which it uses but neither starts nor closes."""
    app = Flask("service", static_folder=None)
    app.extensions[_EXTENSION] = publisher
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.config["MAX_FORM_MEMORY_SIZE"] = settings.max_body_bytes
    app.url_map.merge_slashes = False
    limits = HeaderLimits(settings.max_headers, settings.max_header_bytes)
    app.after_request(_signed)
    for action in ACTIONS:
        view = _act(action, publisher, limits, receipts)
        _route(app, action.path, action.event_type, view, "GET", "POST")
    _route(app, "/healthz", "healthz", _healthz, "GET", "HEAD")
    _route(app, "/readyz", "readyz", _readyz(publisher), "GET", "HEAD")
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(RequestError, _request_problem)
    app.register_error_handler(RecordTooLarge, _too_large_problem)
    app.register_error_handler(NotPublished, _not_published_problem)
    app.register_error_handler(OutcomeUnknown, _unknown_problem)
    app.register_error_handler(Exception, _unforeseen_problem)
    return app


def publisher_of(app: Flask) -> Publisher:
    """The publisher that `create_app` was given."""
    publisher: Publisher = app.extensions[_EXTENSION]
    return publisher


def _route(
    app: Flask, path: str, endpoint: str, view: Callable[[], Response], *methods: str
) -> None:
    app.add_url_rule(path, endpoint, view, methods=list(methods), provide_automatic_options=False)
    for rule in app.url_map.iter_rules(endpoint):
        # werkzeug adds HEAD to every GET, and a HEAD must not publish as the GET does.
        rule.methods = set(methods)


def _act(
    action: Action, publisher: Publisher, limits: HeaderLimits, receipts: Callable[[], str]
) -> Callable[[], Response]:
    def view() -> Response:
        parameters = check_parameters(action.parameters, _given(request))
        own = {**parameters, "receipt": receipts()}
        event = build_event(action.event_type, own, request.headers.items(), limits)
        player_id = parameters.get("player_id")
        place = publisher.publish(event, None if player_id is None else str(player_id))
        response = Response(action.answer, content_type="text/plain; charset=utf-8")
        if place is not None:
            response.headers["X-Event-Partition"] = str(place.partition)
            response.headers["X-Event-Offset"] = str(place.offset)
        return response

    return view


def _signed(response: Response) -> Response:
    """Name the process that answered, so that what goes wrong in one alone can be told."""
    response.headers["X-Served-By"] = str(os.getpid())
    return response


def _healthz() -> Response:
    return Response("alive\n", content_type="text/plain; charset=utf-8")


def _readyz(publisher: Publisher) -> Callable[[], Response]:
    def view() -> Response:
        if publisher.is_ready():
            return Response("ready\n", content_type="text/plain; charset=utf-8")
        return problem(503, "The broker does not answer.", headers=_retry_after())

    return view


def _given(req: Request) -> Iterator[Given]:
    """Every parameter that a request gives, in its query string and its body."""
    yield from _members(req.args)
    if req.mimetype in _FORMS:
        yield from _members(req.form)
        if req.files:
            faults = tuple(Fault(show(name), "a file", "must be text") for name in req.files)
            raise RequestError(400, "A form's fields must be text, not files.", faults)
        return
    body = req.get_data()
    if not body:
        return
    if req.mimetype != _JSON:
        takes = ", ".join((_JSON, *_FORMS))
        raise RequestError(415, f"A body must be one of {takes}, not {show(req.mimetype)!r}.")
    yield from parse_json_object(body)


def _members(values: MultiDict[str, str]) -> Iterator[Given]:
    return (Given(name, value) for name, value in values.items(multi=True))


def _http_problem(error: HTTPException) -> Response:
    """What Flask and werkzeug say no to; their headers stay, such as the `Allow` of a 405."""
    kept = [each for each in error.get_headers() if each[0] != "Content-Type"]
    return problem(error.code or 500, error.description or "", headers=kept)


def _request_problem(error: RequestError) -> Response:
    return problem(error.status, error.detail, faults=error.faults)


def _too_large_problem(error: RecordTooLarge) -> Response:
    return problem(413, f"{error} Nothing was published.")


def _not_published_problem(error: NotPublished) -> Response:
    return problem(503, f"{error} Nothing was published.", headers=_retry_after())


def _unknown_problem(error: OutcomeUnknown) -> Response:
    return problem(504, f"{error} It may have been published.")


def _unforeseen_problem(error: Exception) -> Response:
    # The message of an unforeseen error may quote the request, so only its kind and place are told.
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    log.error("unforeseen %s at %s", type(error).__name__, place)
    return problem(500, "The service failed. It may have published the event.")


def _retry_after() -> list[tuple[str, str]]:
    return [("Retry-After", str(RETRY_AFTER_S))]
