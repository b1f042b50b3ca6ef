"""The parameters of the game's routes, some of them generated from the catalogue. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, create_model

from headcount_service.catalogue import Attribute, Catalogue, Choice
from headcount_service.errors import InvalidParameter, RequestError
from headcount_service.http.parameters import (
    GUILD_PATTERN,
    GUILD_RULE,
    PLAYER_PATTERN,
    PLAYER_RULE,
    Form,
    Parameters,
    Plain,
    RequestParameter,
    WholeNumber,
    check_parameters,
    kind_of,
    show,
)

_BAD_REQUEST = 400
MOST_MS = 1 << 53
DEFAULT_LIMIT, MOST_AT_ONCE = 100, 1000

PlayerId = Annotated[str, StringConstraints(pattern=PLAYER_PATTERN), Field(description=PLAYER_RULE)]
Guild = Annotated[str, StringConstraints(pattern=GUILD_PATTERN), Field(description=GUILD_RULE)]
VariantName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9_:=,]{1,500}$"),
    Field(description="an item and its attributes, such as bow:draw_weight_lb=40,wood=yew"),
]


@dataclass(frozen=True, slots=True)
class ByItem:
    """A form whose model depends on `item`, because each item has its own attributes."""

    by_item: Mapping[str, type[Parameters]]

    def check(self, supplied: Iterable[RequestParameter]) -> dict[str, Any]:
        """See `Form`."""
        all_supplied = tuple(supplied)
        items = [parameter.value for parameter in all_supplied if parameter.name == "item"]
        item = items[0] if items else None
        if isinstance(item, str) and item in self.by_item:
            return check_parameters(self.by_item[item], all_supplied)
        rule = f"must be {_either(self.by_item)}"
        fault = InvalidParameter(
            "item", show(item) if items else "", rule if items else f"is missing; it {rule}"
        )
        raise RequestError(_BAD_REQUEST, "Invalid parameters: item.", (fault,))

    @property
    def models(self) -> tuple[type[Parameters], ...]:
        """See `Form`."""
        return tuple(self.by_item.values())


class PlayerForm(Parameters):
    """Names a player."""

    player_id: PlayerId


class CartLineForm(PlayerForm):
    """Names a line of a player's cart."""

    variant: VariantName


class MemberForm(PlayerForm):
    """Names a player and a guild."""

    guild: Guild


@dataclass(frozen=True)
class Forms:
    """The parameters of each route, for a catalogue."""

    catalogue: Catalogue

    @cached_property
    def earnings(self) -> Form:
        """Earnings of a player."""
        return Plain(
            create_model(
                "Earnings",
                __base__=PlayerForm,
                gold=_whole(1, self.catalogue.max_earnings),
            )
        )

    @cached_property
    def goods(self) -> Form:
        """A quantity of one variant."""
        return ByItem(
            {
                name: self._order(name, item.attributes)
                for name, item in self.catalogue.items.items()
            }
        )

    def _order(self, item: str, attributes: Mapping[str, Attribute]) -> type[Parameters]:
        fields: dict[str, Any] = {
            "item": (Literal[item], Field(description=item)),
            "quantity": _whole(1, self.catalogue.max_quantity),
            **{
                name: (kind_of(attribute), Field(description=attribute.rule))
                for name, attribute in attributes.items()
            },
        }
        name = f"{item.title().replace('_', '')}Order"
        return create_model(name, __base__=PlayerForm, **fields)

    @cached_property
    def cart_change(self) -> Form:
        """A new quantity for a cart line."""
        quantity = _whole(1, self.catalogue.max_quantity)
        return Plain(create_model("CartChange", __base__=CartLineForm, quantity=quantity))

    @cached_property
    def inventory_search(self) -> Form:
        """Filters for a player's inventory."""
        return Plain(create_model("InventorySearch", __base__=PlayerForm, **self._item_filters))

    @cached_property
    def event_search(self) -> Form:
        """Filters for events, and the page."""
        return Plain(
            create_model(
                "EventSearch",
                __base__=Parameters,
                event_type=_optional(
                    Annotated[str, StringConstraints(pattern="^[a-z_]{1,32}$")],
                    "1 to 32 lowercase letters or underscores",
                ),
                player_id=_optional(PlayerId, PLAYER_RULE),
                guild=_optional(Guild, GUILD_RULE),
                since=_whole(0, MOST_MS, None),
                until=_whole(0, MOST_MS, None),
                **paging(),
                **self._item_filters,
            )
        )

    @property
    def _item_filters(self) -> dict[str, Any]:
        items = tuple(self.catalogue.items)
        filters = {"item": _optional(Literal[items], _either(items))}
        for name, kinds in self.catalogue.attributes.items():
            filters[name] = _filter(kinds)
        return filters


def paging() -> dict[str, Any]:
    """Return the fields that select a page: its size, and the number that it starts after."""
    return {"after": _whole(0, MOST_MS, 0), "limit": _whole(1, MOST_AT_ONCE, DEFAULT_LIMIT)}


def member_page() -> dict[str, Any]:
    """Return the fields that select a page of members: its size, and the player it starts after."""
    return {
        "after": _optional(PlayerId, PLAYER_RULE),
        "limit": _whole(1, MOST_AT_ONCE, DEFAULT_LIMIT),
    }


def _whole(least: int, most: int, default: Any = ...) -> Any:
    rule = f"a whole number from {least} to {most}"
    kind = WholeNumber if default is not None else WholeNumber | None
    return kind, Field(default=default, ge=least, le=most, description=rule)


def _optional(kind: Any, rule: str) -> Any:
    return kind | None, Field(default=None, description=rule)


def _filter(kinds: tuple[Attribute, ...]) -> Any:
    """Create a filter that accepts every value that an attribute can have, in whichever item."""
    values = sorted({value for kind in kinds if isinstance(kind, Choice) for value in kind.values})
    numbers = [kind for kind in kinds if not isinstance(kind, Choice)]
    if not numbers:
        return _optional(Literal[tuple(values)], _either(values))
    least, most = (
        min(number.minimum for number in numbers),
        max(number.maximum for number in numbers),
    )
    kind, field = _whole(least, most, None)
    if not values:
        return kind, field
    rule = f"{_either(values)}, or {field.description}"
    return WholeNumber | Literal[tuple(values)] | None, Field(default=None, description=rule)


def _either(values: Iterable[str]) -> str:
    *others, last = sorted(values)
    return f"{', '.join(others)} or {last}" if others else last
