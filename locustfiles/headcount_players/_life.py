"""A player's life: what a player remembers, what each act asks for, and what it should change.

An act is made without being done: it says what to ask, what the topic must hold for it and what it
changes. Only when it is acknowledged does the player remember it. Pure.
"""

import string
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from headcount_service.catalogue import Variant, unit_price

from headcount_players._choices import CATALOGUE, a_guild, a_variant

MOST_LINES = 5
MOST_AT_ONCE = 3

_SIGN_UP = "POST /players"
_EARN = "POST /players/{player_id}/earnings"
_PURCHASE = "POST /purchases"
_ADD_TO_CART = "POST /players/{player_id}/cart"
_CHANGE_CART = "PUT /players/{player_id}/cart/{variant}"
_REMOVE_FROM_CART = "DELETE /players/{player_id}/cart/{variant}"
_CHECK_OUT = "POST /players/{player_id}/checkout"
_JOIN = "POST /guilds/{guild}/members"
_LEAVE = "DELETE /guilds/{guild}/members/{player_id}"


@dataclass(frozen=True, slots=True)
class PlayerAction:
    """A request, and by how much it changes each thing of the player if it is done.

    `spelling` is method and path, the path with the names of parameters in it; `asked` are all
    parameters; `event` is what the topic must hold.
    """

    spelling: str
    asked: Mapping[str, Any]
    event: dict[str, object]
    changes: Mapping[str, int] = field(default_factory=dict)

    @property
    def method(self) -> str:
        """The request's method."""
        return self.spelling.split()[0]

    @property
    def name(self) -> str:
        """The path as it is spelled, the same for every player."""
        return self.spelling.split()[1]

    @property
    def path(self) -> str:
        """The request's path."""
        return self.name.format(**self.asked)

    @property
    def body(self) -> dict[str, Any]:
        """The parameters that are not in the path."""
        in_path = {name for _, name, _, _ in string.Formatter().parse(self.spelling)}
        return {name: value for name, value in self.asked.items() if name not in in_path}


@dataclass(slots=True)
class Life:
    """What a player has, as far as the player knows: a number for each thing."""

    player_id: str
    resources: Counter[str] = field(default_factory=Counter)
    variants: dict[str, Variant] = field(default_factory=dict)

    def remember(self, act: PlayerAction) -> None:
        """Take in that an act is done."""
        self.resources.update(act.changes)

    @property
    def gold(self) -> int:
        """What can be spent."""
        return self.resources["gold"]

    @property
    def guild(self) -> str | None:
        """The guild that the player is in."""
        return next(iter(self._had("guild")), None)

    @property
    def cart(self) -> dict[str, int]:
        """What is in the cart, by the variants' names."""
        return self._had("cart")

    @property
    def inventory(self) -> dict[str, int]:
        """What the player owns, by the variants' names."""
        return self._had("item")

    @property
    def cost_of_cart(self) -> int:
        """What all that is in the cart costs."""
        return sum(
            quantity * unit_price(CATALOGUE, self.variants[name])
            for name, quantity in self.cart.items()
        )

    def sign_up(self) -> PlayerAction:
        """Become a player."""
        changes = {"player": 1, "gold": CATALOGUE.starting_gold}
        return self._act(_SIGN_UP, "sign_up", changes)

    def earn(self, gold: int) -> PlayerAction:
        """Earn some gold."""
        return self._act(_EARN, "earn", {"gold": gold}, gold=gold)

    def buy(self, variant: Variant, quantity: int) -> PlayerAction:
        """Buy so many of a variant at once."""
        cost = quantity * unit_price(CATALOGUE, variant)
        changes = {"gold": -cost, f"item:{variant.name}": quantity}
        return self._act(_PURCHASE, "purchase", changes, **_goods(variant, quantity))

    def add_to_cart(self, variant: Variant, quantity: int) -> PlayerAction:
        """Put more of a variant into the cart."""
        self.variants[variant.name] = variant
        changes = {f"cart:{variant.name}": quantity}
        return self._act(_ADD_TO_CART, "add_to_cart", changes, **_goods(variant, quantity))

    def change_cart(self, name: str, quantity: int) -> PlayerAction:
        """Let a line of the cart have another quantity."""
        changes = {f"cart:{name}": quantity - self.resources[f"cart:{name}"]}
        return self._act(_CHANGE_CART, "change_cart", changes, variant=name, quantity=quantity)

    def remove_from_cart(self, name: str) -> PlayerAction:
        """Take a line out of the cart."""
        changes = {f"cart:{name}": -self.resources[f"cart:{name}"]}
        return self._act(_REMOVE_FROM_CART, "remove_from_cart", changes, variant=name)

    def check_out(self) -> PlayerAction:
        """Buy all that is in the cart."""
        changes = {"gold": -self.cost_of_cart}
        for name, quantity in self.cart.items():
            changes |= {f"cart:{name}": -quantity, f"item:{name}": quantity}
        return self._act(_CHECK_OUT, "checkout", changes)

    def join(self, guild: str) -> PlayerAction:
        """Join a guild."""
        return self._act(_JOIN, "add_member", {f"guild:{guild}": 1}, guild=guild)

    def leave(self, guild: str) -> PlayerAction:
        """Leave a guild."""
        return self._act(_LEAVE, "remove_member", {f"guild:{guild}": -1}, guild=guild)

    def purchase(self, random: Random) -> PlayerAction:
        """Buy something; earn first if it costs too much."""
        act = self.buy(a_variant(random), random.randint(1, MOST_AT_ONCE))
        return act if self.gold + act.changes["gold"] >= 0 else self.earnings(random)

    def earnings(self, random: Random) -> PlayerAction:
        """Earn something."""
        return self.earn(random.randint(CATALOGUE.max_earnings // 10, CATALOGUE.max_earnings))

    def filling(self, random: Random) -> PlayerAction:
        """Put something into the cart, as long as it is small."""
        if len(self.cart) >= MOST_LINES:
            return self.second_thought(random)
        return self.add_to_cart(a_variant(random), random.randint(1, MOST_AT_ONCE))

    def second_thought(self, random: Random) -> PlayerAction:
        """Want more or less of something in the cart, or none of it."""
        if not self.cart:
            return self.filling(random)
        name = random.choice(tuple(self.cart))
        if random.random() < 0.5:  # noqa: PLR2004 - as likely as not
            return self.remove_from_cart(name)
        return self.change_cart(name, random.randint(1, MOST_AT_ONCE))

    def payment(self, random: Random) -> PlayerAction:
        """Check out; earn or think again if there is nothing to buy, or too little to pay with."""
        if self.cart and self.cost_of_cart <= self.gold:
            return self.check_out()
        return random.choice((self.earnings, self.second_thought))(random)

    def another_guild(self, random: Random) -> PlayerAction:
        """Leave the guild that one is in, or else join one."""
        return self.leave(self.guild) if self.guild else self.join(a_guild(random))

    def mistake(self, random: Random) -> PlayerAction:
        """Ask for something that the game must refuse as things stand, so that nothing changes."""
        variant = a_variant(random)
        beyond_means = self.gold // max(1, unit_price(CATALOGUE, variant)) + 1
        mistakes = [
            self.sign_up(),
            self.earn(0),
            self.earn(CATALOGUE.max_earnings + 1),
            self.buy(variant, CATALOGUE.max_quantity + 1),
            self._act(_PURCHASE, "purchase", {}, item="unicorn", quantity=1),
            self.remove_from_cart("unicorn"),
            self.leave("nobodies"),
        ]
        if beyond_means <= CATALOGUE.max_quantity:
            mistakes.append(self.buy(variant, beyond_means))
        if not self.cart:
            mistakes.append(self.check_out())
        if self.guild:
            mistakes.append(self.join(a_guild(random)))
        return replace(random.choice(mistakes), changes={})

    def _had(self, kind: str) -> dict[str, int]:
        start = f"{kind}:"
        had = {resource: many for resource, many in self.resources.items() if many}
        return {
            resource.removeprefix(start): many
            for resource, many in sorted(had.items())
            if resource.startswith(start)
        }

    def _act(
        self, spelling: str, event_type: str, changes: Mapping[str, int], **asked: Any
    ) -> PlayerAction:
        asked = {"player_id": self.player_id, **asked}
        return PlayerAction(spelling, asked, {"event_type": event_type, **asked}, changes)


def _goods(variant: Variant, quantity: int) -> dict[str, Any]:
    return {"item": variant.item, **variant.attributes, "quantity": quantity}
