"""Queries: what can be asked of the game's state, and of what happened in it."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, exists, select

from headcount_service.errors import Refused
from headcount_service.game import outbox
from headcount_service.game.parameters import DEFAULT_LIMIT
from headcount_service.game.rules import NOT_FOUND
from headcount_service.game.tables import cart_lines, event_lines, events, holdings, players
from headcount_service.publish.events import own_fields

Asked = Mapping[str, Any]


def player(connection: Connection, asked: Asked) -> dict[str, Any]:
    """A player's gold and guild."""
    query = select(players).where(players.c.player_id == asked["player_id"])
    row = connection.execute(query).one_or_none()
    if row is None:
        raise Refused(NOT_FOUND, f"There is no player {asked['player_id']!r}.")
    return dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it


def inventory(connection: Connection, asked: Asked) -> dict[str, Any]:
    """What a player has, as far as it is what was asked for."""
    player(connection, asked)
    query = select(holdings).where(
        holdings.c.player_id == asked["player_id"], *_described(holdings.c, asked)
    )
    return {"player_id": asked["player_id"], "lines": _lines(connection, query, holdings)}


def cart(connection: Connection, asked: Asked) -> dict[str, Any]:
    """What a player has in the cart."""
    player(connection, asked)
    query = select(cart_lines).where(cart_lines.c.player_id == asked["player_id"])
    return {"player_id": asked["player_id"], "lines": _lines(connection, query, cart_lines)}


def guild(connection: Connection, asked: Asked) -> dict[str, Any]:
    """The guild that a player is in, or none."""
    matches = player(connection, asked)
    return {"player_id": matches["player_id"], "guild": matches["guild"]}


def members(connection: Connection, asked: Asked) -> dict[str, Any]:
    """A page of a guild's members, by their ids."""
    limit = asked.get("limit", DEFAULT_LIMIT)
    query = (
        select(players.c.player_id)
        .where(players.c.guild == asked["guild"], players.c.player_id > asked.get("after", ""))
        .order_by(players.c.player_id)
        .limit(limit + 1)
    )
    matches = list(connection.execute(query).scalars())
    following = matches[limit - 1] if len(matches) > limit else None
    return {"guild": asked["guild"], "members": matches[:limit], "next": following}


def happened(connection: Connection, asked: Asked) -> dict[str, Any]:
    """A page of the events that are what was asked for, the oldest first.

    No event comes to be before one that a page has told already.
    """
    limit = asked.get("limit", DEFAULT_LIMIT)
    whole = outbox.last_of_all(connection)
    query = (
        select(events)
        .where(events.c.id > asked.get("after", 0), events.c.id <= whole, *_of_event(asked))
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
            "event": _own(row.value),
        }
        for row in rows[:limit]
    ]
    return {"events": matches, "next": matches[-1]["number"] if len(rows) > limit else None}


def _of_event(asked: Asked) -> list[ColumnElement[bool]]:
    conditions = [
        events.c[name] == asked[name]
        for name in ("event_type", "player_id", "guild")
        if name in asked
    ]
    if "since" in asked:
        conditions.append(events.c.at_ms >= asked["since"])
    if "until" in asked:
        conditions.append(events.c.at_ms < asked["until"])
    described = _described(event_lines.c, asked)
    if described:
        conditions.append(exists().where(event_lines.c.event == events.c.id, *described))
    return conditions


_NOT_OF_ITEMS = {"after", "event_type", "guild", "limit", "player_id", "since", "until"}


def _described(columns: Any, asked: Asked) -> list[ColumnElement[bool]]:
    """What must hold of an item and its attributes."""
    attributes = {name: value for name, value in asked.items() if name not in _NOT_OF_ITEMS}
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


def _own(value: str) -> dict[str, Any]:
    """An event's own fields: the headers beside them are nobody's business here."""
    names = own_fields()
    return {name: each for name, each in json.loads(value).items() if name in names}
