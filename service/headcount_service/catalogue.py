"""The catalogue: the items, their attributes and their prices, from `catalogue.toml`.

The shop sells *variants*: a variant is an item with a value for each of its attributes, written
`bow:draw_weight_lb=40,wood=yew` with the attributes sorted by name. Only `load_catalogue` reads a
file.
"""

import functools
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from headcount_service.errors import CatalogueError

FILE = "catalogue.toml"
_SHOWN_CHARS = 100
_KIND_AT = 4
EVENT_FIELDS = frozenset(
    {"change", "event_type", "gold", "guild", "in_cart", "item", "lines", "player_id", "quantity"}
    | {"receipt", "total", "unit_price", "variant"}
)
"""The event fields that are not attributes of items."""

RESERVED = EVENT_FIELDS | {"after", "limit", "since", "until"}
"""Names that an attribute cannot have; the last four are search parameters."""

Value = str | int
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Gold = Annotated[int, Field(ge=0, le=1_000_000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Choice(_Strict):
    """An attribute with a set of values, each mapped to the gold that it adds to the price."""

    values: dict[Name, Gold] = Field(min_length=1)

    @property
    def rule(self) -> str:
        """The rule for a value, for error messages."""
        *others, last = sorted(self.values)
        return f"{', '.join(others)} or {last}" if others else last

    def allows(self, value: object) -> bool:
        """Return whether `value` is one of the attribute's values."""
        return isinstance(value, str) and value in self.values

    def gold(self, value: Value) -> int:
        """Return the gold that a value adds to the price."""
        return self.values[str(value)]


class NumberAttribute(_Strict):
    """A whole-number attribute; each unit above the minimum adds to the price."""

    minimum: int = Field(ge=0)
    maximum: int = Field(le=1_000_000)
    gold_per_unit: Gold = 0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError("minimum must not be above maximum")
        return self

    @property
    def rule(self) -> str:
        """The rule for a value, for error messages."""
        return f"a whole number from {self.minimum} to {self.maximum}"

    def allows(self, value: object) -> bool:
        """Return whether a value is a whole number within the limits."""
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        return is_whole and self.minimum <= value <= self.maximum  # type: ignore[operator]

    def gold(self, value: Value) -> int:
        """Return the gold that a value adds to the price."""
        return (int(value) - self.minimum) * self.gold_per_unit


def _kind(value: Any) -> str:
    fields = value if isinstance(value, dict) else vars(value) if value is not None else {}
    return "measure" if {"minimum", "maximum"} & set(fields) else "choice"


Attribute = Choice | NumberAttribute
_TaggedAttribute = Annotated[
    Annotated[Choice, Tag("choice")] | Annotated[NumberAttribute, Tag("measure")],
    Discriminator(_kind),
]


class Item(_Strict):
    """A type of item: its base price and its attributes."""

    price: Gold
    attributes: dict[Name, _TaggedAttribute] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        reserved = sorted(RESERVED & self.attributes.keys())
        if reserved:
            raise ValueError(f"an attribute cannot be called {reserved[0]!r}: the name is reserved")
        return self


class Catalogue(_Strict):
    """All items for sale, and the limits of the game."""

    starting_gold: Gold
    max_earnings: Gold
    max_gold: Annotated[int, Field(ge=1, le=1 << 53)]
    max_quantity: Annotated[int, Field(ge=1, le=1_000_000)]
    max_cart_lines: Annotated[int, Field(ge=1, le=1000)]
    guilds: tuple[Name, ...] = Field(min_length=1, strict=False)
    items: dict[Name, Item] = Field(min_length=1)

    @property
    def attributes(self) -> dict[str, tuple[Attribute, ...]]:
        """The definitions of each attribute, one per item that has it; sorted by attribute name."""
        names = sorted({name for item in self.items.values() for name in item.attributes})
        return {
            name: tuple(
                item.attributes[name] for item in self.items.values() if name in item.attributes
            )
            for name in names
        }


@dataclass(frozen=True, slots=True)
class Variant:
    """What a player can buy: an item, with a value for each of its attributes."""

    item: str
    attributes: Mapping[str, Value]

    @property
    def name(self) -> str:
        """The name, such as `bow:draw_weight_lb=40,wood=yew`, or `bow` without attributes."""
        values = ",".join(f"{name}={self.attributes[name]}" for name in sorted(self.attributes))
        return f"{self.item}:{values}" if values else self.item


def sells(catalogue: Catalogue, variant: Variant) -> bool:
    """Return whether the catalogue has a variant; a stored one may be from an older catalogue."""
    item = catalogue.items.get(variant.item)
    return (
        item is not None
        and item.attributes.keys() == variant.attributes.keys()
        and all(item.attributes[name].allows(value) for name, value in variant.attributes.items())
    )


def unit_price(catalogue: Catalogue, variant: Variant) -> int:
    """Return the price of one piece, in gold; the catalogue must have the variant."""
    item = catalogue.items[variant.item]
    return item.price + sum(
        attribute.gold(variant.attributes[name]) for name, attribute in item.attributes.items()
    )


def parse_catalogue(text: str) -> Catalogue:
    """Parse a catalogue.

    Raises:
        CatalogueError: Not valid TOML, or against the rules: a line per mistake, with place, value
            and rule.
    """
    try:
        return TypeAdapter(Catalogue).validate_python(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{FILE} is not well-formed TOML: {error}") from None
    except ValidationError as error:
        raise CatalogueError("\n".join(map(_mistake_line, error.errors()))) from None


def _mistake_line(error: ErrorDetails) -> str:
    """Format a mistake as its place, the value and the rule."""
    loc = error["loc"]
    # In the place of a mistake in an attribute, pydantic inserts the attribute's tag ("choice" or
    # "measure"), which is not in the file.
    place = ".".join(str(part) for index, part in enumerate(loc) if index != _KIND_AT)
    value = json.dumps(error["input"], default=str)
    shown = value if len(value) <= _SHOWN_CHARS else f"{value[:_SHOWN_CHARS]}…"
    return f"{FILE}: {place} = {shown}: {error['msg']}"


@functools.cache
def load_catalogue() -> Catalogue:
    """Read the game's catalogue, once.

    Raises:
        CatalogueError: See `parse_catalogue`.
    """
    return parse_catalogue(Path(__file__).with_name(FILE).read_text("utf-8"))
