"""Happenings: what a change of state is told as, in the event and in the answer.

Each class is the own fields of one type of event. An item's attributes stand beside its other
fields, as `metal` does in the purchase of a sword.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from headcount_service.catalogue import Value, Variant


class DomainEvent(BaseModel):
    """What every change tells: which it was, and of whom."""

    model_config = ConfigDict(frozen=True)

    event_type: str
    player_id: str

    @property
    def fields(self) -> dict[str, Any]:
        """The event's own fields."""
        return self.model_dump()

    @property
    def bought(self) -> tuple["OrderLine", ...]:
        """What was bought."""
        return ()


class SignedUp(DomainEvent):
    """A player is new, and has `gold`."""

    event_type: Literal["sign_up"] = "sign_up"
    gold: int


class Earned(DomainEvent):
    """A player has so much more `gold`."""

    event_type: Literal["earn"] = "earn"
    gold: int


class OrderLine(BaseModel):
    """So many of one variant, at what one costs; its attributes are fields of it."""

    model_config = ConfigDict(frozen=True, extra="allow")

    item: str
    variant: str
    quantity: int
    unit_price: int

    @classmethod
    def of(cls, variant: Variant, quantity: int, price: int) -> "OrderLine":
        """A line of a variant."""
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
        """What all of it costs."""
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
    """A line of a cart has `change` more of a variant, or less, and now `in_cart` of it.

    `quantity` is what was asked for: how many more in `add_to_cart`, how many in `change_cart`.
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
        """The event's own fields; nothing stands for a quantity that was not asked for."""
        return self.model_dump(exclude_none=True)


class CheckedOut(DomainEvent):
    """A player has bought a whole cart, for `total` gold, and the cart is empty."""

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
