"""The rules: what a player's act changes, and when it is refused.

Each rule gets the transaction, the player (locked) and what was asked for. It refuses before it
changes anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from headcount_service.catalogue import Catalogue, Variant, sells, unit_price
from headcount_service.errors import Refused
from headcount_service.game import state
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
from headcount_service.game.state import LockedPlayer, VariantQuantity

Asked = Mapping[str, Any]
"""The checked parameters of a request, by name."""

CONFLICT, NOT_FOUND = 409, 404


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a game with this catalogue."""

    catalogue: Catalogue

    def sign_up(
        self, connection: Connection, player: LockedPlayer | None, asked: Asked
    ) -> DomainEvent:
        """Make a player, with the gold that everybody starts with."""
        player_id = asked["player_id"]
        if player is not None:
            raise Refused(CONFLICT, f"There is a player {player_id!r} already.")
        gold = self.catalogue.starting_gold
        state.add_player(connection, player_id, gold)
        return SignedUp(player_id=player_id, gold=gold)

    def earn(self, connection: Connection, player: LockedPlayer, asked: Asked) -> DomainEvent:
        """Give gold to a player."""
        gold, most = player.gold + asked["gold"], self.catalogue.max_gold
        if gold > most:
            raise Refused(CONFLICT, f"A player can have at most {most} gold; it would be {gold}.")
        state.set_gold(connection, player, gold)
        return Earned(player_id=player.player_id, gold=asked["gold"])

    def purchase(self, connection: Connection, player: LockedPlayer, asked: Asked) -> DomainEvent:
        """Sell so many of one variant."""
        line = self._priced(VariantQuantity(self._variant(asked), asked["quantity"]))
        self._pay(connection, player, line.cost)
        state.hold(connection, player, self._variant(asked), line.quantity)
        return Purchased(player_id=player.player_id, total=line.cost, **line.model_dump())

    def add_to_cart(
        self, connection: Connection, player: LockedPlayer, asked: Asked
    ) -> DomainEvent:
        """Put so many more of a variant into the cart."""
        variant, more = self._variant(asked), asked["quantity"]
        line = state.in_cart(connection, player, variant.name)
        if line is None and len(state.cart(connection, player)) >= self.catalogue.max_cart_lines:
            most = self.catalogue.max_cart_lines
            raise Refused(CONFLICT, f"A cart can have at most {most} lines.")
        was = line.quantity if line else 0
        most = self.catalogue.max_quantity
        if was + more > most:
            raise Refused(CONFLICT, f"A line can have at most {most}; it would be {was + more}.")
        state.put_in_cart(connection, player, VariantQuantity(variant, was + more), was)
        return _changed("add_to_cart", player, VariantQuantity(variant, was + more), was, more)

    def change_cart(
        self, connection: Connection, player: LockedPlayer, asked: Asked
    ) -> DomainEvent:
        """Let a line of the cart have another quantity."""
        line = _line(connection, player, asked["variant"])
        then = VariantQuantity(line.variant, asked["quantity"])
        state.put_in_cart(connection, player, then, line.quantity)
        return _changed("change_cart", player, then, line.quantity, then.quantity)

    def remove_from_cart(
        self, connection: Connection, player: LockedPlayer, asked: Asked
    ) -> DomainEvent:
        """Take a line out of the cart."""
        line = _line(connection, player, asked["variant"])
        none = VariantQuantity(line.variant, 0)
        state.put_in_cart(connection, player, none, line.quantity)
        return _changed("remove_from_cart", player, none, line.quantity, None)

    def check_out(self, connection: Connection, player: LockedPlayer, _asked: Asked) -> DomainEvent:
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

    def join(self, connection: Connection, player: LockedPlayer, asked: Asked) -> DomainEvent:
        """Let a player who has no guild join one."""
        if player.guild is not None:
            raise Refused(CONFLICT, f"The player is in the guild {player.guild!r}.")
        state.set_guild(connection, player, asked["guild"])
        return MembershipChanged(
            event_type="add_member", player_id=player.player_id, guild=asked["guild"]
        )

    def leave(self, connection: Connection, player: LockedPlayer, asked: Asked) -> DomainEvent:
        """Let a member leave."""
        if player.guild != asked["guild"]:
            raise Refused(NOT_FOUND, f"The player is not in the guild {asked['guild']!r}.")
        state.set_guild(connection, player, None)
        return MembershipChanged(
            event_type="remove_member", player_id=player.player_id, guild=asked["guild"]
        )

    def _variant(self, asked: Asked) -> Variant:
        names = self.catalogue.items[asked["item"]].attributes
        return Variant(asked["item"], {name: asked[name] for name in sorted(names)})

    def _priced(self, stack: VariantQuantity) -> OrderLine:
        if not sells(self.catalogue, stack.variant):
            raise Refused(CONFLICT, f"{stack.variant.name!r} is not sold any more.")
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
    event_type: Any, player: LockedPlayer, then: VariantQuantity, was: int, asked_for: int | None
) -> CartChanged:
    return CartChanged(
        event_type=event_type,
        player_id=player.player_id,
        item=then.variant.item,
        variant=then.variant.name,
        quantity=asked_for,
        change=then.quantity - was,
        in_cart=then.quantity,
        **then.variant.attributes,
    )
