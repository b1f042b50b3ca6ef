"""The game's routes: commands, which change a player's state and create an event, and queries."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, request
from pydantic import BaseModel, create_model
from sqlalchemy import Connection

from headcount_service.catalogue import Catalogue
from headcount_service.game import queries, response_models
from headcount_service.game.commands import Command, CommandHandler, CommandRequest, Rule
from headcount_service.game.domain_events import (
    CartChanged,
    CheckedOut,
    DomainEvent,
    Earned,
    MembershipChanged,
    Purchased,
    SignedUp,
)
from headcount_service.game.parameters import (
    CartLineForm,
    Forms,
    Guild,
    MemberForm,
    PlayerForm,
    member_page,
)
from headcount_service.game.rules import Rules
from headcount_service.game.storage.database import StateDatabase
from headcount_service.game.storage.idempotency import HEADER, identity
from headcount_service.game.storage.outbox import RECEIPT
from headcount_service.http.parameters import Form, Parameters, Plain
from headcount_service.http.problem_responses import problem
from headcount_service.http.request_parameters import JSON
from headcount_service.http.route import Route
from headcount_service.publish.events import HeaderLimits, build_event
from headcount_service.publish.protocols import RecordPosition

CREATED, OK = 201, 200
_COMMAND_PROBLEMS = (400, 404, 409, 413, 415, 422, 431, 503, 504)
_QUERY_PROBLEMS = (400, 404, 415, 503)
_FIRST_ERROR_STATUS = 400

Query = Callable[[Connection, Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Game:
    """The dependencies of the routes."""

    commands: CommandHandler
    database: StateDatabase
    limits: HeaderLimits
    receipts: Callable[[], str]
    catalogue: Catalogue


def game_routes(game: Game) -> tuple[Route, ...]:
    """Create every route of the game."""
    return (*_commands(game), *_queries(game))


def placed(response: Response, place: RecordPosition | None) -> Response:
    """Add headers with the event's partition and offset, if known."""
    if place is not None:
        response.headers["X-Event-Partition"] = str(place.partition)
        response.headers["X-Event-Offset"] = str(place.offset)
    return response


@dataclass(frozen=True, slots=True)
class _CommandRoute:
    method_and_path: str
    summary: str
    form: Form
    rule: Rule
    event: type[DomainEvent]


def _commands(game: Game) -> Iterator[Route]:
    forms, rules = Forms(game.catalogue), Rules(game.catalogue)
    yield from (_command(game, route) for route in _of_players(forms, rules))
    yield from (_command(game, route) for route in _of_carts(forms, rules))
    yield from (_command(game, route) for route in _of_guilds(rules))


def _of_players(forms: Forms, rules: Rules) -> Iterator[_CommandRoute]:
    player, earnings = Plain(PlayerForm), "POST /players/<player_id>/earnings"
    yield _CommandRoute("POST /players", "Sign up.", player, rules.sign_up, SignedUp)
    yield _CommandRoute(earnings, "Earn gold.", forms.earnings, rules.earn, Earned)
    yield _CommandRoute("POST /purchases", "Buy an item.", forms.goods, rules.purchase, Purchased)


def _of_carts(forms: Forms, rules: Rules) -> Iterator[_CommandRoute]:
    cart = "/players/<player_id>/cart"
    yield _CommandRoute(
        f"POST {cart}", "Add items to the cart.", forms.goods, rules.add_to_cart, CartChanged
    )
    yield _CommandRoute(
        f"PUT {cart}/<variant>",
        "Set the quantity of an item in the cart.",
        forms.cart_change,
        rules.change_cart,
        CartChanged,
    )
    yield _CommandRoute(
        f"DELETE {cart}/<variant>",
        "Remove an item from the cart.",
        Plain(CartLineForm),
        rules.remove_from_cart,
        CartChanged,
    )
    yield _CommandRoute(
        "POST /players/<player_id>/checkout",
        "Buy everything in the cart, or nothing.",
        Plain(PlayerForm),
        rules.check_out,
        CheckedOut,
    )


def _of_guilds(rules: Rules) -> Iterator[_CommandRoute]:
    form, members = Plain(MemberForm), "/guilds/<guild>/members"
    yield _CommandRoute(f"POST {members}", "Join a guild.", form, rules.join, MembershipChanged)
    yield _CommandRoute(
        f"DELETE {members}/<player_id>", "Leave a guild.", form, rules.leave, MembershipChanged
    )


def _command(game: Game, route: _CommandRoute) -> Route:
    method, path = route.method_and_path.split()
    status = CREATED if method == "POST" else OK
    is_by_player = route.event is not SignedUp
    command = Command(route.rule.__name__, route.rule, status, is_by_player=is_by_player)
    return Route(
        path,
        (method,),
        command.name,
        route.summary,
        route.form,
        _command_view(game, command),
        route.event,
        status,
        _COMMAND_PROBLEMS,
        is_event=True,
        is_repeatable=True,
    )


def _queries(game: Game) -> tuple[Route, ...]:
    forms = Forms(game.catalogue)
    player = Plain(PlayerForm)
    members = Plain(create_model("MemberSearch", __base__=Parameters, guild=Guild, **member_page()))

    def route(path: str, summary: str, form: Form, query: Query, answer: type[BaseModel]) -> Route:
        view = _query_view(game, query)
        name = f"get_{query.__name__}"
        return Route(path, ("GET",), name, summary, form, view, answer, OK, _QUERY_PROBLEMS)

    return (
        route(
            "/players/<player_id>",
            "Get a player.",
            player,
            queries.player,
            response_models.PlayerState,
        ),
        route(
            "/players/<player_id>/inventory",
            "List a player's inventory, filtered by item and attributes.",
            forms.inventory_search,
            queries.inventory,
            response_models.Holdings,
        ),
        route(
            "/players/<player_id>/cart",
            "List a player's cart.",
            player,
            queries.cart,
            response_models.Holdings,
        ),
        route(
            "/players/<player_id>/guild",
            "Get a player's guild.",
            player,
            queries.guild,
            response_models.GuildMembership,
        ),
        route(
            "/guilds/<guild>/members",
            "List a guild's members.",
            members,
            queries.members,
            response_models.Members,
        ),
        route(
            "/events",
            "Search events by type, player, guild, time or purchased item.",
            forms.event_search,
            queries.happened,
            response_models.Events,
        ),
    )


def _command_view(game: Game, command: Command) -> Callable[[Mapping[str, Any]], Response]:
    def view(parameters: Mapping[str, Any]) -> Response:
        headers = list(request.headers.items())

        def make_event(domain_event: DomainEvent) -> Mapping[str, Any]:
            fields = {**domain_event.fields, RECEIPT: game.receipts()}
            return build_event(domain_event.event_type, fields, headers, game.limits)

        own_identity = identity(request.headers.get(HEADER), command.name, parameters)
        result = game.commands.execute(
            CommandRequest(command, parameters, own_identity, make_event)
        )
        if result.status >= _FIRST_ERROR_STATUS:
            return problem(result.status, result.body["detail"])
        return placed(_json(result.body, result.status), result.place)

    return view


def _query_view(game: Game, query: Query) -> Callable[[Mapping[str, Any]], Response]:
    def view(parameters: Mapping[str, Any]) -> Response:
        return _json(game.database.look(lambda connection: query(connection, parameters)), OK)

    return view


def _json(body: Mapping[str, Any], status: int) -> Response:
    return Response(json.dumps(body) + "\n", status=status, content_type=JSON)
