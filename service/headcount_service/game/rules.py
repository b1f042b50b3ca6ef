"""The rules: what a player's command changes, and when the game refuses it.

Each rule gets the connection of the transaction, the locked player and the request's parameters. It
raises Refused before it changes anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from headcount_service.catalogue import Catalogue, Variant, sells, unit_price
from headcount_service.errors import Refused
from headcount_service.game.domain_events import (
    CartChanged,
    CheckedOut,
    DomainEvent,
    Earned,
    MembershipChanged,
    OrderLine,
    Purchased,
    SignedUp,
)
from headcount_service.game.storage import state
from headcount_service.game.storage.state import LockedPlayer, VariantQuantity

ParameterValues = Mapping[str, Any]
"""The checked parameters of a request, by name."""

CONFLICT, NOT_FOUND = 409, 404


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of the game, for a catalogue."""

    catalogue: Catalogue

    def sign_up(
        self, connection: Connection, player: LockedPlayer | None, parameters: ParameterValues
    ) -> DomainEvent:
        """Create a player, with the starting gold."""
        player_id = parameters["player_id"]
        if player is not None:
            raise Refused(CONFLICT, f"The player {player_id!r} already exists.")
        gold = self.catalogue.starting_gold
        state.add_player(connection, player_id, gold)
        return SignedUp(player_id=player_id, gold=gold)

    def earn(
        self, connection: Connection, player: LockedPlayer, parameters: ParameterValues
    ) -> DomainEvent:
        """Give gold to a player."""
        gold, most = player.gold + parameters["gold"], self.catalogue.max_gold
        if gold > most:
            raise Refused(CONFLICT, f"A player can have at most {most} gold, not {gold}.")
        state.set_gold(connection, player, gold)
        return Earned(player_id=player.player_id, gold=parameters["gold"])

    def purchase(
        self, connection: Connection, player: LockedPlayer, parameters: ParameterValues
    ) -> DomainEvent:
        """Sell a quantity of one variant."""
        line = self._priced(VariantQuantity(self._variant(parameters), parameters["quantity"]))
        self._pay(connection, player, line.cost)
        state.hold(connection, player, self._variant(parameters), line.quantity)
        return Purchased(player_id=player.player_id, total=line.cost, **line.model_dump())

    def add_to_cart(
        self, connection: Connection, player: LockedPlayer, parameters: ParameterValues
    ) -> DomainEvent:
        """Add a quantity of a variant to the cart."""
        variant, more = self._variant(parameters), parameters["quantity"]
        line = state.in_cart(connection, player, variant.name)
        if line is None and len(state.cart(connection, player)) >= self.catalogue.max_cart_lines:
            most = self.catalogue.max_cart_lines
            raise Refused(CONFLICT, f"A cart can have at most {most} lines.")
        was = line.quantity if line else 0
        most = self.catalogue.max_quantity
        if was + more > most:
            raise Refused(CONFLICT, f"A line can have at most {most} units, not {was + more}.")
        state.put_in_cart(connection, player, VariantQuantity(variant, was + more), was)
        return _changed("add_to_cart", player, VariantQuantity(variant, was + more), was, more)

    def change_cart(
        self, connection: Connection, player: LockedPlayer, parameters: ParameterValues
    ) -> DomainEvent:
        """Set the quantity of a cart line."""
        line = _line(connection, player, parameters["variant"])
        then = VariantQuantity(line.variant, parameters["quantity"])
        state.put_in_cart(connection, player, then, line.quantity)
        return _changed("change_cart", player, then, line.quantity, then.quantity)

    def remove_from_cart(
        self, connection: Connection, player: LockedPlayer, parameters: ParameterValues
    ) -> DomainEvent:
        """Remove a line from the cart."""
        line = _line(connection, player, parameters["variant"])
        none = VariantQuantity(line.variant, 0)
        state.put_in_cart(connection, player, none, line.quantity)
        return _changed("remove_from_cart", player, none, line.quantity, None)

    def check_out(
        self, connection: Connection, player: LockedPlayer, _parameters: ParameterValues
    ) -> DomainEvent:
        """Sell everything in the cart, or nothing."""
        stacks = state.cart(connection, player)
        if not stacks:
            raise Refused(CONFLICT, "The cart is empty.")
        lines = tuple(map(self._priced, stacks))
        total = sum(line.cost for line in lines)
        self._pay(connection, player, total)
        for stack in stacks:
            state.hold(connection, player, stack.variant, stack.quantity)
        state.empty_cart(connection, player)
        return CheckedOut(player_id=player.player_id, lines=lines, total=total)

    def join(
        self, connection: Connection, player: LockedPlayer, parameters: ParameterValues
    ) -> DomainEvent:
        """Add a player to a guild; refused if the player is in one."""
        if player.guild is not None:
            raise Refused(CONFLICT, f"The player is in the guild {player.guild!r}.")
        state.set_guild(connection, player, parameters["guild"])
        return MembershipChanged(
            event_type="add_member", player_id=player.player_id, guild=parameters["guild"]
        )

    def leave(
        self, connection: Connection, player: LockedPlayer, parameters: ParameterValues
    ) -> DomainEvent:
        """Remove a player from a guild."""
        if player.guild != parameters["guild"]:
            raise Refused(NOT_FOUND, f"The player is not in the guild {parameters['guild']!r}.")
        state.set_guild(connection, player, None)
        return MembershipChanged(
            event_type="remove_member", player_id=player.player_id, guild=parameters["guild"]
        )

    def _variant(self, parameters: ParameterValues) -> Variant:
        names = self.catalogue.items[parameters["item"]].attributes
        return Variant(parameters["item"], {name: parameters[name] for name in sorted(names)})

    def _priced(self, stack: VariantQuantity) -> OrderLine:
        if not sells(self.catalogue, stack.variant):
            raise Refused(CONFLICT, f"{stack.variant.name!r} is no longer sold.")
        return OrderLine.of(
            stack.variant, stack.quantity, unit_price(self.catalogue, stack.variant)
        )

    def _pay(self, connection: Connection, player: LockedPlayer, cost: int) -> None:
        if cost > player.gold:
            raise Refused(CONFLICT, f"It costs {cost} gold, and the player has {player.gold}.")
        state.set_gold(connection, player, player.gold - cost)


def _line(connection: Connection, player: LockedPlayer, name: str) -> VariantQuantity:
    line = state.in_cart(connection, player, name)
    if line is None:
        raise Refused(NOT_FOUND, f"The cart has no {name!r}.")
    return line


def _changed(
    event_type: Any, player: LockedPlayer, then: VariantQuantity, was: int, quantity: int | None
) -> CartChanged:
    return CartChanged(
        event_type=event_type,
        player_id=player.player_id,
        item=then.variant.item,
        variant=then.variant.name,
        quantity=quantity,
        change=then.quantity - was,
        in_cart=then.quantity,
        **then.variant.attributes,
    )
