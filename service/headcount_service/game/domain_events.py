"""Domain events: each describes a change of state, in the published event and in the response.

Each class defines the fields of one event type. An item's attributes are fields beside the others,
such as `metal` in the purchase of a sword.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from headcount_service.catalogue import Value, Variant


class DomainEvent(BaseModel):
    """The fields common to all events: the type and the player."""

    model_config = ConfigDict(frozen=True)

    event_type: str
    player_id: str

    @property
    def fields(self) -> dict[str, Any]:
        """The event's own fields."""
        return self.model_dump()

    @property
    def bought(self) -> tuple["OrderLine", ...]:
        """The lines that the player bought."""
        return ()


class SignedUp(DomainEvent):
    """A new player, who starts with `gold`."""

    event_type: Literal["sign_up"] = "sign_up"
    gold: int


class Earned(DomainEvent):
    """A player has earned `gold`."""

    event_type: Literal["earn"] = "earn"
    gold: int


class OrderLine(BaseModel):
    """A quantity of one variant and its unit price; the item's attributes are extra fields."""

    model_config = ConfigDict(frozen=True, extra="allow")

    item: str
    variant: str
    quantity: int
    unit_price: int

    @classmethod
    def of(cls, variant: Variant, quantity: int, price: int) -> "OrderLine":
        """Create a line for a variant."""
        return cls(
            item=variant.item,
            variant=variant.name,
            quantity=quantity,
            unit_price=price,
            **variant.attributes,
        )

    @property
    def attributes(self) -> Mapping[str, Value]:
        """The item's attributes."""
        return self.__pydantic_extra__ or {}

    @property
    def cost(self) -> int:
        """The total price."""
        return self.quantity * self.unit_price


class Purchased(DomainEvent, OrderLine):
    """A player has bought something, for `total` gold."""

    model_config = ConfigDict(frozen=True, extra="allow")

    event_type: Literal["purchase"] = "purchase"
    total: int

    @property
    def bought(self) -> tuple[OrderLine, ...]:
        """The one line."""
        return (self,)


class CartChanged(DomainEvent):
    """The quantity of a cart line has changed by `change`, and is now `in_cart`.

    `quantity` is the request's: the number added in `add_to_cart`, the new number in `change_cart`.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    event_type: Literal["add_to_cart", "change_cart", "remove_from_cart"]
    item: str
    variant: str
    quantity: int | None = None
    change: int
    in_cart: int

    @property
    def fields(self) -> dict[str, Any]:
        """The event's own fields; without `quantity` if the request had none."""
        return self.model_dump(exclude_none=True)


class CheckedOut(DomainEvent):
    """A player has bought the whole cart, for `total` gold; the cart is now empty."""

    event_type: Literal["checkout"] = "checkout"
    lines: tuple[OrderLine, ...]
    total: int

    @property
    def bought(self) -> tuple[OrderLine, ...]:
        """The cart's lines."""
        return self.lines


class MembershipChanged(DomainEvent):
    """A player has joined a guild, or left it."""

    event_type: Literal["add_member", "remove_member"]
    guild: str
