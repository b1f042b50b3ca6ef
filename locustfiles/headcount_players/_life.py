"""A player's life: the player's expected state, and the requests that change it.

An action only describes a request: its parameters, the event that the topic must hold for it, and
the changes to the player's state. The player applies the changes once the service acknowledges the
request. Pure.
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
    """A request, and by how much it changes each resource of the player if it succeeds.

    `route` is the method and the path template; `parameters` holds all parameters; `event` is what
    the topic must hold.
    """

    route: str
    parameters: Mapping[str, Any]
    event: dict[str, object]
    changes: Mapping[str, int] = field(default_factory=dict)

    @property
    def method(self) -> str:
        """The request's method."""
        return self.route.split()[0]

    @property
    def name(self) -> str:
        """The path template, the same for every player."""
        return self.route.split()[1]

    @property
    def path(self) -> str:
        """The request's path."""
        return self.name.format(**self.parameters)

    @property
    def body(self) -> dict[str, Any]:
        """The parameters that are not in the path."""
        in_path = {name for _, name, _, _ in string.Formatter().parse(self.route)}
        return {name: value for name, value in self.parameters.items() if name not in in_path}


@dataclass(slots=True)
class Life:
    """The state that a player expects: a number for each resource, such as gold or a cart line."""

    player_id: str
    resources: Counter[str] = field(default_factory=Counter)
    variants: dict[str, Variant] = field(default_factory=dict)

    def remember(self, action: PlayerAction) -> None:
        """Apply the changes of an action that succeeded."""
        self.resources.update(action.changes)

    @property
    def gold(self) -> int:
        """The player's gold."""
        return self.resources["gold"]

    @property
    def guild(self) -> str | None:
        """The player's guild, or None."""
        return next(iter(self._quantities("guild")), None)

    @property
    def cart(self) -> dict[str, int]:
        """Quantities in the cart, by variant name."""
        return self._quantities("cart")

    @property
    def inventory(self) -> dict[str, int]:
        """Quantities in the inventory, by variant name."""
        return self._quantities("item")

    @property
    def cost_of_cart(self) -> int:
        """The total price of the cart, in gold."""
        return sum(
            quantity * unit_price(CATALOGUE, self.variants[name])
            for name, quantity in self.cart.items()
        )

    def sign_up(self) -> PlayerAction:
        """Become a player."""
        changes = {"player": 1, "gold": CATALOGUE.starting_gold}
        return self._action(_SIGN_UP, "sign_up", changes)

    def earn(self, gold: int) -> PlayerAction:
        """Earn gold."""
        return self._action(_EARN, "earn", {"gold": gold}, gold=gold)

    def buy(self, variant: Variant, quantity: int) -> PlayerAction:
        """Buy a quantity of a variant, without the cart."""
        cost = quantity * unit_price(CATALOGUE, variant)
        changes = {"gold": -cost, f"item:{variant.name}": quantity}
        return self._action(_PURCHASE, "purchase", changes, **_order(variant, quantity))

    def add_to_cart(self, variant: Variant, quantity: int) -> PlayerAction:
        """Add a quantity of a variant to the cart."""
        self.variants[variant.name] = variant
        changes = {f"cart:{variant.name}": quantity}
        return self._action(_ADD_TO_CART, "add_to_cart", changes, **_order(variant, quantity))

    def change_cart(self, name: str, quantity: int) -> PlayerAction:
        """Set the quantity of a cart line."""
        changes = {f"cart:{name}": quantity - self.resources[f"cart:{name}"]}
        return self._action(_CHANGE_CART, "change_cart", changes, variant=name, quantity=quantity)

    def remove_from_cart(self, name: str) -> PlayerAction:
        """Remove a line from the cart."""
        changes = {f"cart:{name}": -self.resources[f"cart:{name}"]}
        return self._action(_REMOVE_FROM_CART, "remove_from_cart", changes, variant=name)

    def check_out(self) -> PlayerAction:
        """Buy everything in the cart."""
        changes = {"gold": -self.cost_of_cart}
        for name, quantity in self.cart.items():
            changes |= {f"cart:{name}": -quantity, f"item:{name}": quantity}
        return self._action(_CHECK_OUT, "checkout", changes)

    def join(self, guild: str) -> PlayerAction:
        """Join a guild."""
        return self._action(_JOIN, "add_member", {f"guild:{guild}": 1}, guild=guild)

    def leave(self, guild: str) -> PlayerAction:
        """Leave a guild."""
        return self._action(_LEAVE, "remove_member", {f"guild:{guild}": -1}, guild=guild)

    def choose_purchase(self, random: Random) -> PlayerAction:
        """Buy a random variant, or earn gold if it costs too much."""
        purchase = self.buy(a_variant(random), random.randint(1, MOST_AT_ONCE))
        is_affordable = self.gold + purchase.changes["gold"] >= 0
        return purchase if is_affordable else self.choose_earnings(random)

    def choose_earnings(self, random: Random) -> PlayerAction:
        """Earn a random amount of gold."""
        return self.earn(random.randint(CATALOGUE.max_earnings // 10, CATALOGUE.max_earnings))

    def choose_cart_addition(self, random: Random) -> PlayerAction:
        """Add a random variant to the cart; if the cart is full, change it instead."""
        if len(self.cart) >= MOST_LINES:
            return self.choose_cart_change(random)
        return self.add_to_cart(a_variant(random), random.randint(1, MOST_AT_ONCE))

    def choose_cart_change(self, random: Random) -> PlayerAction:
        """Change or remove a cart line; if the cart is empty, add one instead."""
        if not self.cart:
            return self.choose_cart_addition(random)
        name = random.choice(tuple(self.cart))
        if random.random() < 0.5:  # noqa: PLR2004 - even odds
            return self.remove_from_cart(name)
        return self.change_cart(name, random.randint(1, MOST_AT_ONCE))

    def choose_checkout(self, random: Random) -> PlayerAction:
        """Check out; if the cart is empty or too expensive, earn gold or change the cart."""
        if self.cart and self.cost_of_cart <= self.gold:
            return self.check_out()
        return random.choice((self.choose_earnings, self.choose_cart_change))(random)

    def choose_guild_change(self, random: Random) -> PlayerAction:
        """Leave the player's guild; if there is none, join a random one."""
        return self.leave(self.guild) if self.guild else self.join(a_guild(random))

    def choose_mistake(self, random: Random) -> PlayerAction:
        """Make a request that the game must refuse in the present state; it changes nothing."""
        variant = a_variant(random)
        unaffordable = self.gold // max(1, unit_price(CATALOGUE, variant)) + 1
        mistakes = [
            self.sign_up(),
            self.earn(0),
            self.earn(CATALOGUE.max_earnings + 1),
            self.buy(variant, CATALOGUE.max_quantity + 1),
            self._action(_PURCHASE, "purchase", {}, item="unicorn", quantity=1),
            self.remove_from_cart("unicorn"),
            self.leave("nobodies"),
        ]
        if unaffordable <= CATALOGUE.max_quantity:
            mistakes.append(self.buy(variant, unaffordable))
        if not self.cart:
            mistakes.append(self.check_out())
        if self.guild:
            mistakes.append(self.join(a_guild(random)))
        return replace(random.choice(mistakes), changes={})

    def _quantities(self, kind: str) -> dict[str, int]:
        prefix = f"{kind}:"
        return {
            resource.removeprefix(prefix): quantity
            for resource, quantity in sorted(self.resources.items())
            if quantity and resource.startswith(prefix)
        }

    def _action(
        self, route: str, event_type: str, changes: Mapping[str, int], **parameters: Any
    ) -> PlayerAction:
        parameters = {"player_id": self.player_id, **parameters}
        event = {"event_type": event_type, **parameters}
        return PlayerAction(route, parameters, event, changes)


def _order(variant: Variant, quantity: int) -> dict[str, Any]:
    return {"item": variant.item, **variant.attributes, "quantity": quantity}
