"""The state: reads and writes a player's rows, in the transaction of a command."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Table, delete, insert, select, update

from headcount_service.catalogue import Value, Variant
from headcount_service.game.storage.tables import cart_lines, holdings, players


@dataclass(frozen=True, slots=True)
class LockedPlayer:
    """A player whose row is locked until the transaction ends."""

    player_id: str
    gold: int
    guild: str | None


@dataclass(frozen=True, slots=True)
class VariantQuantity:
    """A quantity of one variant, in a cart or an inventory."""

    variant: Variant
    quantity: int


def lock_player(connection: Connection, player_id: str) -> LockedPlayer | None:
    """Read a player, and lock the row until the transaction ends; None if there is none."""
    query = select(players.c.player_id, players.c.gold, players.c.guild).with_for_update()
    row = connection.execute(query.where(players.c.player_id == player_id)).one_or_none()
    return None if row is None else LockedPlayer(*row)


def add_player(connection: Connection, player_id: str, gold: int) -> None:
    """Insert a player. Raises IntegrityError if another transaction was first."""
    connection.execute(insert(players).values(player_id=player_id, gold=gold))


def set_gold(connection: Connection, player: LockedPlayer, gold: int) -> None:
    """Set a player's gold."""
    is_player = players.c.player_id == player.player_id
    connection.execute(update(players).where(is_player).values(gold=gold))


def set_guild(connection: Connection, player: LockedPlayer, guild: str | None) -> None:
    """Set a player's guild; None means that the player has no guild."""
    is_player = players.c.player_id == player.player_id
    connection.execute(update(players).where(is_player).values(guild=guild))


def hold(connection: Connection, player: LockedPlayer, variant: Variant, quantity: int) -> None:
    """Add to a player's inventory."""
    held = _quantity(connection, holdings, player, variant.name)
    _put(connection, holdings, player, VariantQuantity(variant, held + quantity), was=held)


def in_cart(connection: Connection, player: LockedPlayer, name: str) -> VariantQuantity | None:
    """Return the cart line of a variant, or None."""
    row = connection.execute(select(cart_lines).where(*_of(cart_lines, player, name))).one_or_none()
    return None if row is None else _stack(row)


def cart(connection: Connection, player: LockedPlayer) -> list[VariantQuantity]:
    """Return the cart's lines, sorted by variant name."""
    is_player = cart_lines.c.player_id == player.player_id
    rows = connection.execute(select(cart_lines).where(is_player).order_by(cart_lines.c.variant))
    return [_stack(row) for row in rows]


def put_in_cart(
    connection: Connection, player: LockedPlayer, stack: VariantQuantity, was: int
) -> None:
    """Change the quantity of a cart line from `was` to that of `stack`; 0 removes the line."""
    _put(connection, cart_lines, player, stack, was=was)


def empty_cart(connection: Connection, player: LockedPlayer) -> None:
    """Remove every line of the cart."""
    connection.execute(delete(cart_lines).where(cart_lines.c.player_id == player.player_id))


def _quantity(connection: Connection, table: Table, player: LockedPlayer, name: str) -> int:
    query = select(table.c.quantity).where(*_of(table, player, name))
    return connection.execute(query).scalar() or 0


def _put(
    connection: Connection, table: Table, player: LockedPlayer, stack: VariantQuantity, *, was: int
) -> None:
    name = stack.variant.name
    if stack.quantity == 0:
        connection.execute(delete(table).where(*_of(table, player, name)))
    elif was:
        connection.execute(
            update(table).where(*_of(table, player, name)).values(quantity=stack.quantity)
        )
    else:
        connection.execute(
            insert(table).values(
                player_id=player.player_id,
                variant=name,
                item=stack.variant.item,
                attributes=dict(stack.variant.attributes),
                quantity=stack.quantity,
            )
        )


def _of(table: Table, player: LockedPlayer, name: str) -> tuple[Any, Any]:
    return table.c.player_id == player.player_id, table.c.variant == name


def _stack(row: Row[Any]) -> VariantQuantity:
    attributes: Mapping[str, Value] = row.attributes
    return VariantQuantity(Variant(row.item, attributes), row.quantity)
