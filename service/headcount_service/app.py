"""The game API: each route turns a request into one event, and responds once it is published.

`create_app` takes the settings and a publisher, so that another WSGI module can serve the same
application with another publisher:

    settings = load_settings()
    app = create_app(settings, FaultyPublisher(make_publisher(settings)))

`gunicorn -c service/headcount_service/gunicorn.conf.py that.module:app` then runs it. The hooks in
that file get the application's parts from `parts_of`, start them in each worker after the fork, and
close them when the worker exits.
"""

import json
import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, request

from headcount_service.catalogue import load_catalogue
from headcount_service.game.commands import CommandHandler
from headcount_service.game.relay import Relay
from headcount_service.game.routes import Game, game_routes, placed
from headcount_service.game.storage.database import StateDatabase
from headcount_service.http.deferred_response import DeferredResponse
from headcount_service.http.error_handlers import handle_errors, response_to, unavailable
from headcount_service.http.openapi import document, page
from headcount_service.http.parameters import (
    Form,
    GuildParameters,
    NoParameters,
    Plain,
    sword_parameters,
)
from headcount_service.http.request_parameters import JSON, request_parameters
from headcount_service.http.route import TEXT, Route
from headcount_service.publish.events import HeaderLimits, build_event
from headcount_service.publish.protocols import DeferringPublisher, EventPublisher
from headcount_service.settings import Settings

_EXTENSION = "parts"
_PROBLEMS = (400, 413, 415, 431, 503, 504)


@dataclass(frozen=True, slots=True)
class Parts:
    """The background parts of an application, in each process that serves it."""

    publisher: EventPublisher
    database: StateDatabase
    relay: Relay

    def start(self) -> None:
        """Start the parts; called once in each worker, after the fork, before the first request."""
        self.publisher.start()
        self.relay.start()

    def close(self) -> None:
        """Finish the work in progress and release everything; called after the last request."""
        self.relay.close()
        self.publisher.close()
        self.database.close()


def new_receipt() -> str:
    """A unique id for each accepted request."""
    return uuid.uuid4().hex


def create_app(
    settings: Settings, publisher: EventPublisher, receipts: Callable[[], str] = new_receipt
) -> Flask:
    """Create the application; the caller starts and closes its parts (see `parts_of`)."""
    app = Flask("headcount_service", static_folder=None)
    database = StateDatabase(settings)
    app.extensions[_EXTENSION] = Parts(publisher, database, Relay(settings, database, publisher))
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.config["MAX_FORM_MEMORY_SIZE"] = settings.max_body_bytes
    app.url_map.merge_slashes = False
    app.after_request(_add_worker_header)
    limits = HeaderLimits(settings.max_headers, settings.max_header_bytes)
    commands = CommandHandler(settings, database, publisher)
    game = Game(commands, database, limits, receipts, load_catalogue())
    routes = (
        *_stateless_routes(publisher, limits, receipts),
        *game_routes(game),
        *_health_routes(publisher),
    )
    for route in (*routes, *_description_routes(routes)):
        _add(app, route)
    handle_errors(app)
    return app


def parts_of(app: Flask) -> Parts:
    """Return the parts of an application that `create_app` created."""
    parts: Parts = app.extensions[_EXTENSION]
    return parts


def _add(app: Flask, route: Route) -> None:
    def view(**path: str) -> Response:
        form = route.form
        return route.view({} if form is None else form.check(request_parameters(request, path)))

    rule = app.url_rule_class(route.path, methods=route.methods, endpoint=route.name)
    # werkzeug adds HEAD to every GET, and a HEAD must not publish as the GET does.
    rule.methods = set(route.methods)
    app.url_map.add(rule)
    app.view_functions[route.name] = view


def _stateless_routes(
    publisher: EventPublisher, limits: HeaderLimits, receipts: Callable[[], str]
) -> tuple[Route, ...]:
    """Create the routes whose commands publish an event and change no state."""
    hand_over = publisher.hand_over if isinstance(publisher, DeferringPublisher) else None

    def route(path: str, event_type: str, form: Form, text: str, summary: str) -> Route:
        def view(parameters: Mapping[str, Any]) -> Response:
            fields = {**parameters, "receipt": receipts()}
            event = build_event(event_type, fields, request.headers.items(), limits)
            player_id = parameters.get("player_id")
            key = None if player_id is None else str(player_id)
            if hand_over is None:
                return placed(Response(text, content_type=TEXT), publisher.publish(event, key))
            publication = hand_over(event, key)
            return DeferredResponse(text, publication, good=placed, bad=_deferred_problem)

        methods = ("GET", "POST")
        return Route(
            path, methods, event_type, summary, form, view, problems=_PROBLEMS, is_event=True
        )

    sword, guild = Plain(sword_parameters(load_catalogue())), Plain(GuildParameters)
    nothing = Plain(NoParameters)
    return (
        route("/", "default", nothing, "This is the default response!\n", "Look around."),
        route("/purchase_a_sword", "purchase_sword", sword, "Sword Purchased!\n", "Buy a sword."),
        route("/join_guild", "join_guild", guild, "Guild Joined!\n", "Join a guild."),
    )


def _health_routes(publisher: EventPublisher) -> tuple[Route, ...]:
    def healthz(_parameters: Mapping[str, Any]) -> Response:
        return Response("alive\n", content_type=TEXT)

    def readyz(_parameters: Mapping[str, Any]) -> Response:
        if publisher.is_ready():
            return Response("ready\n", content_type=TEXT)
        return unavailable("The broker does not answer.")

    methods = ("GET", "HEAD")
    return (
        Route("/healthz", methods, "healthz", "Liveness: the process responds.", None, healthz),
        Route(
            "/readyz",
            methods,
            "readyz",
            "Readiness: the broker accepts events.",
            None,
            readyz,
            problems=(503,),
        ),
    )


def _description_routes(routes: tuple[Route, ...]) -> tuple[Route, ...]:
    description = document(routes)

    def openapi(_parameters: Mapping[str, Any]) -> Response:
        return Response(json.dumps(description) + "\n", content_type=JSON)

    def docs(_parameters: Mapping[str, Any]) -> Response:
        return Response(page(description), content_type="text/html; charset=utf-8")

    return (
        Route("/openapi.json", ("GET",), "openapi", "Get this API description.", None, openapi),
        Route("/docs", ("GET",), "docs", "Get this API description as HTML.", None, docs),
    )


def _add_worker_header(response: Response) -> Response:
    """Add the worker's process id, so that a fault in one worker can be located."""
    response.headers["X-Served-By"] = str(os.getpid())
    return response


def _deferred_problem(error: Exception) -> Response:
    """Render the error of a deferred response, which Flask's own handlers do not see."""
    return _add_worker_header(response_to(error))
