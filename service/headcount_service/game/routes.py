"""The game's routes: commands, which change a player's state and create an event, and queries."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, request
from pydantic import BaseModel, create_model
from sqlalchemy import Connection

from headcount_service.catalogue import Catalogue
from headcount_service.game import queries, response_models
from headcount_service.game.commands import Command, CommandHandler, CommandRequest, Rule
from headcount_service.game.database import StateDatabase
from headcount_service.game.domain_events import (
    CartChanged,
    CheckedOut,
    DomainEvent,
    Earned,
    MembershipChanged,
    Purchased,
    SignedUp,
)
from headcount_service.game.idempotency import HEADER, identity
from headcount_service.game.outbox import RECEIPT
from headcount_service.game.parameters import (
    CartLineForm,
    Forms,
    Guild,
    MemberForm,
    PlayerForm,
    member_page,
)
from headcount_service.game.rules import Rules
from headcount_service.http.parameters import Form, Parameters, Plain
from headcount_service.http.problem_responses import problem
from headcount_service.http.request_parameters import JSON
from headcount_service.http.route import Route
from headcount_service.publish.events import HeaderLimits, build_event
from headcount_service.publish.protocols import RecordPosition

CREATED, OK = 201, 200
_ACT_PROBLEMS = (400, 404, 409, 413, 415, 422, 431, 503, 504)
_QUERY_PROBLEMS = (400, 404, 415, 503)
_GOOD = 400

Query = Callable[[Connection, Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Game:
    """The collaborators of the routes."""

    commands: CommandHandler
    database: StateDatabase
    limits: HeaderLimits
    receipts: Callable[[], str]
    catalogue: Catalogue


def game_routes(game: Game) -> tuple[Route, ...]:
    """Every route of the game."""
    return (*_commands(game), *_queries(game))


def placed(response: Response, place: RecordPosition | None) -> Response:
    """Set the headers with the event's partition and offset, if known."""
    if place is not None:
        response.headers["X-Event-Partition"] = str(place.partition)
        response.headers["X-Event-Offset"] = str(place.offset)
    return response


def _commands(game: Game) -> tuple[Route, ...]:
    forms, rules = Forms(game.catalogue), Rules(game.catalogue)
    player, line, member = Plain(PlayerForm), Plain(CartLineForm), Plain(MemberForm)

    def command(
        spelling: str, summary: str, form: Form, rule: Rule, answer: type[DomainEvent]
    ) -> Route:
        method, path = spelling.split()
        status = CREATED if method == "POST" else OK
        done = Command(rule.__name__, rule, status, is_by_player=rule != rules.sign_up)
        view = _act_view(game, done)
        return Route(
            path,
            (method,),
            done.name,
            summary,
            form,
            view,
            answer,
            status,
            _ACT_PROBLEMS,
            is_event=True,
            is_repeatable=True,
        )

    cart = "/players/<player_id>/cart"
    return (
        command("POST /players", "Sign up.", player, rules.sign_up, SignedUp),
        command(
            "POST /players/<player_id>/earnings", "Earn gold.", forms.earnings, rules.earn, Earned
        ),
        command("POST /purchases", "Buy an item.", forms.goods, rules.purchase, Purchased),
        command(
            f"POST {cart}",
            "Add items to the cart.",
            forms.goods,
            rules.add_to_cart,
            CartChanged,
        ),
        command(
            f"PUT {cart}/<variant>",
            "Set the quantity of an item in the cart.",
            forms.cart_change,
            rules.change_cart,
            CartChanged,
        ),
        command(
            f"DELETE {cart}/<variant>",
            "Remove an item from the cart.",
            line,
            rules.remove_from_cart,
            CartChanged,
        ),
        command(
            "POST /players/<player_id>/checkout",
            "Buy everything in the cart, or nothing.",
            player,
            rules.check_out,
            CheckedOut,
        ),
        command(
            "POST /guilds/<guild>/members", "Join a guild.", member, rules.join, MembershipChanged
        ),
        command(
            "DELETE /guilds/<guild>/members/<player_id>",
            "Leave a guild.",
            member,
            rules.leave,
            MembershipChanged,
        ),
    )


def _queries(game: Game) -> tuple[Route, ...]:
    forms = Forms(game.catalogue)
    player = Plain(PlayerForm)
    members = Plain(create_model("MemberSearch", __base__=Parameters, guild=Guild, **member_page()))

    def query(path: str, summary: str, form: Form, ask: Query, answer: type[BaseModel]) -> Route:
        view = _query_view(game, ask)
        name = f"get_{ask.__name__}"
        return Route(path, ("GET",), name, summary, form, view, answer, OK, _QUERY_PROBLEMS)

    return (
        query(
            "/players/<player_id>", "A player.", player, queries.player, response_models.PlayerState
        ),
        query(
            "/players/<player_id>/inventory",
            "List a player's inventory, filtered by item and attributes.",
            forms.inventory_search,
            queries.inventory,
            response_models.Holdings,
        ),
        query(
            "/players/<player_id>/cart",
            "List a player's cart.",
            player,
            queries.cart,
            response_models.Holdings,
        ),
        query(
            "/players/<player_id>/guild",
            "Get a player's guild.",
            player,
            queries.guild,
            response_models.GuildMembership,
        ),
        query(
            "/guilds/<guild>/members",
            "List a guild's members.",
            members,
            queries.members,
            response_models.Members,
        ),
        query(
            "/events",
            "Search events by type, player, guild, time or purchased item.",
            forms.event_search,
            queries.happened,
            response_models.Events,
        ),
    )


def _act_view(game: Game, command: Command) -> Callable[[Mapping[str, Any]], Response]:
    def view(asked: Mapping[str, Any]) -> Response:
        headers = list(request.headers.items())

        def make_event(happening: DomainEvent) -> Mapping[str, Any]:
            own = {**happening.fields, RECEIPT: game.receipts()}
            return build_event(happening.event_type, own, headers, game.limits)

        command_request = CommandRequest(
            command, asked, identity(request.headers.get(HEADER), command.name, asked), make_event
        )
        answer = game.commands.execute(command_request)
        if answer.status >= _GOOD:
            return problem(answer.status, answer.body["detail"])
        return placed(_json(answer.body, answer.status), answer.place)

    return view


def _query_view(game: Game, ask: Query) -> Callable[[Mapping[str, Any]], Response]:
    def view(asked: Mapping[str, Any]) -> Response:
        return _json(game.database.look(lambda connection: ask(connection, asked)), OK)

    return view


def _json(body: Mapping[str, Any], status: int) -> Response:
    return Response(json.dumps(body) + "\n", status=status, content_type=JSON)
