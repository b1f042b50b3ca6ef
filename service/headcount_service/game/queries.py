"""Queries: read the game's state and its events."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, exists, select

from headcount_service.errors import Refused
from headcount_service.game.parameters import DEFAULT_LIMIT
from headcount_service.game.rules import NOT_FOUND
from headcount_service.game.storage import outbox
from headcount_service.game.storage.tables import cart_lines, event_lines, events, holdings, players
from headcount_service.publish.events import own_fields

ParameterValues = Mapping[str, Any]


def player(connection: Connection, parameters: ParameterValues) -> dict[str, Any]:
    """Return a player's gold and guild."""
    query = select(players).where(players.c.player_id == parameters["player_id"])
    row = connection.execute(query).one_or_none()
    if row is None:
        raise Refused(NOT_FOUND, f"There is no player {parameters['player_id']!r}.")
    return dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it


def inventory(connection: Connection, parameters: ParameterValues) -> dict[str, Any]:
    """Return the part of a player's inventory that matches the filters."""
    player(connection, parameters)
    query = select(holdings).where(
        holdings.c.player_id == parameters["player_id"], *_item_conditions(holdings.c, parameters)
    )
    return {"player_id": parameters["player_id"], "lines": _lines(connection, query, holdings)}


def cart(connection: Connection, parameters: ParameterValues) -> dict[str, Any]:
    """Return a player's cart."""
    player(connection, parameters)
    query = select(cart_lines).where(cart_lines.c.player_id == parameters["player_id"])
    return {"player_id": parameters["player_id"], "lines": _lines(connection, query, cart_lines)}


def guild(connection: Connection, parameters: ParameterValues) -> dict[str, Any]:
    """Return a player's guild, or None."""
    matches = player(connection, parameters)
    return {"player_id": matches["player_id"], "guild": matches["guild"]}


def members(connection: Connection, parameters: ParameterValues) -> dict[str, Any]:
    """Return a page of a guild's members, sorted by id."""
    limit = parameters.get("limit", DEFAULT_LIMIT)
    query = (
        select(players.c.player_id)
        .where(
            players.c.guild == parameters["guild"],
            players.c.player_id > parameters.get("after", ""),
        )
        .order_by(players.c.player_id)
        .limit(limit + 1)
    )
    matches = list(connection.execute(query).scalars())
    following = matches[limit - 1] if len(matches) > limit else None
    return {"guild": parameters["guild"], "members": matches[:limit], "next": following}


def happened(connection: Connection, parameters: ParameterValues) -> dict[str, Any]:
    """Return a page of the events that match the filters, the oldest first.

    Once an event has been on a page, no event with a smaller number can still appear.
    """
    limit = parameters.get("limit", DEFAULT_LIMIT)
    last = outbox.last_visible(connection)
    query = (
        select(events)
        .where(
            events.c.id > parameters.get("after", 0),
            events.c.id <= last,
            *_event_conditions(parameters),
        )
        .order_by(events.c.id)
        .limit(limit + 1)
    )
    rows = connection.execute(query).all()
    matches = [
        {
            "number": row.id,
            "event_id": row.event_id,
            "at_ms": row.at_ms,
            "is_published": row.leased_until_ms is None,
            "event": _own_fields(row.value),
        }
        for row in rows[:limit]
    ]
    return {"events": matches, "next": matches[-1]["number"] if len(rows) > limit else None}


def _event_conditions(parameters: ParameterValues) -> list[ColumnElement[bool]]:
    conditions = [
        events.c[name] == parameters[name]
        for name in ("event_type", "player_id", "guild")
        if name in parameters
    ]
    if "since" in parameters:
        conditions.append(events.c.at_ms >= parameters["since"])
    if "until" in parameters:
        conditions.append(events.c.at_ms < parameters["until"])
    of_lines = _item_conditions(event_lines.c, parameters)
    if of_lines:
        conditions.append(exists().where(event_lines.c.event == events.c.id, *of_lines))
    return conditions


_NOT_OF_ITEMS = {"after", "event_type", "guild", "limit", "player_id", "since", "until"}


def _item_conditions(columns: Any, parameters: ParameterValues) -> list[ColumnElement[bool]]:
    """Return the conditions on an item and its attributes."""
    attributes = {name: value for name, value in parameters.items() if name not in _NOT_OF_ITEMS}
    item = attributes.pop("item", None)
    conditions = [] if item is None else [columns.item == item]
    for name, value in attributes.items():
        stored = columns.attributes[name]
        conditions.append(
            (stored.as_integer() if isinstance(value, int) else stored.as_string()) == value
        )
    return conditions


def _lines(connection: Connection, query: Select[Any], table: Any) -> list[dict[str, Any]]:
    return [
        {"item": row.item, "variant": row.variant, **row.attributes, "quantity": row.quantity}
        for row in connection.execute(query.order_by(table.c.variant))
    ]


def _own_fields(event_json: str) -> dict[str, Any]:
    """Return an event's own fields, without the client's headers."""
    names = own_fields()
    return {name: value for name, value in json.loads(event_json).items() if name in names}
