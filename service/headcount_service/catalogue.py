"""The catalogue: which items there are, what describes them, and what they cost.

It is read from `catalogue.toml` beside this module. What is sold is a *variant*: an item with a
value for each of its attributes, written `bow:draw_weight_lb=40,wood=yew`, the attributes in the
order of their names. Pure but for the reading of the file.
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

FILE = "catalogue.toml"
_SHOWN_CHARS = 100
_KIND_AT = 4
EVENT_FIELDS = frozenset(
    {"change", "event_type", "gold", "guild", "in_cart", "item", "lines", "player_id", "quantity"}
    | {"receipt", "total", "unit_price", "variant"}
)
"""The fields that events have beside an item's attributes."""

RESERVED = EVENT_FIELDS | {"after", "limit", "since", "until"}
"""What an attribute cannot be called; the last four are parameters of a search."""

Value = str | int
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Gold = Annotated[int, Field(ge=0, le=1_000_000)]


class CatalogueError(Exception):
    """The catalogue's file is not one; the message names the place and what is wrong there."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Choice(_Strict):
    """An attribute with a few values, each of which adds so much gold to the price."""

    values: dict[Name, Gold] = Field(min_length=1)

    @property
    def rule(self) -> str:
        """What a value must be, in words."""
        *others, last = sorted(self.values)
        return f"{', '.join(others)} or {last}" if others else last

    def allows(self, value: object) -> bool:
        """Tell whether a value is one of them."""
        return isinstance(value, str) and value in self.values

    def gold(self, value: Value) -> int:
        """What a value adds to the price."""
        return self.values[str(value)]


class NumberAttribute(_Strict):
    """An attribute that is counted or measured; each unit above the minimum adds to the price."""

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
        """What a value must be, in words."""
        return f"a whole number from {self.minimum} to {self.maximum}"

    def allows(self, value: object) -> bool:
        """Tell whether a value is within the limits."""
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        return is_whole and self.minimum <= value <= self.maximum  # type: ignore[operator]

    def gold(self, value: Value) -> int:
        """What a value adds to the price."""
        return (int(value) - self.minimum) * self.gold_per_unit


def _kind(value: Any) -> str:
    described = value if isinstance(value, dict) else vars(value) if value is not None else {}
    return "measure" if {"minimum", "maximum"} & set(described) else "choice"


Attribute = Choice | NumberAttribute
_TaggedAttribute = Annotated[
    Annotated[Choice, Tag("choice")] | Annotated[NumberAttribute, Tag("measure")],
    Discriminator(_kind),
]


class Item(_Strict):
    """A type of item: what it costs at least, and what describes it."""

    price: Gold
    attributes: dict[Name, _TaggedAttribute] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _unreserved(self) -> Self:
        taken = sorted(RESERVED & self.attributes.keys())
        if taken:
            raise ValueError(f"no attribute can be called {taken[0]!r}: the game has a use for it")
        return self


class Catalogue(_Strict):
    """Everything that is sold, and the limits of the game."""

    starting_gold: Gold
    max_earnings: Gold
    max_gold: Annotated[int, Field(ge=1, le=1 << 53)]
    max_quantity: Annotated[int, Field(ge=1, le=1_000_000)]
    max_cart_lines: Annotated[int, Field(ge=1, le=1000)]
    guilds: tuple[Name, ...] = Field(min_length=1, strict=False)
    items: dict[Name, Item] = Field(min_length=1)

    @property
    def attributes(self) -> dict[str, tuple[Attribute, ...]]:
        """Every attribute's name, sorted, with what it is in each item that has it."""
        named = sorted({name for item in self.items.values() for name in item.attributes})
        return {
            name: tuple(
                item.attributes[name] for item in self.items.values() if name in item.attributes
            )
            for name in named
        }


@dataclass(frozen=True, slots=True)
class Variant:
    """One thing that can be had: an item, and a value for each of its attributes."""

    item: str
    attributes: Mapping[str, Value]

    @property
    def name(self) -> str:
        """It in one word, as `bow:draw_weight_lb=40,wood=yew`; an item without attributes alone."""
        described = ",".join(f"{name}={self.attributes[name]}" for name in sorted(self.attributes))
        return f"{self.item}:{described}" if described else self.item


def sells(catalogue: Catalogue, variant: Variant) -> bool:
    """Tell whether a variant is one of the catalogue's, which it may have been once."""
    item = catalogue.items.get(variant.item)
    return (
        item is not None
        and item.attributes.keys() == variant.attributes.keys()
        and all(item.attributes[name].allows(each) for name, each in variant.attributes.items())
    )


def unit_price(catalogue: Catalogue, variant: Variant) -> int:
    """What one of a variant costs, in gold; the variant must be one of the catalogue's."""
    item = catalogue.items[variant.item]
    return item.price + sum(
        attribute.gold(variant.attributes[name]) for name, attribute in item.attributes.items()
    )


def parse_catalogue(text: str) -> Catalogue:
    """Read a catalogue.

    Raises:
        CatalogueError: It is no TOML, or breaks rules: a line for each, with place, value and rule.
    """
    try:
        return TypeAdapter(Catalogue).validate_python(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{FILE} is not well-formed TOML: {error}") from None
    except ValidationError as error:
        raise CatalogueError("\n".join(map(_mistake_line, error.errors()))) from None


def _mistake_line(error: ErrorDetails) -> str:
    """Name the place, the value and the rule."""
    loc = error["loc"]
    # Which kind of attribute it is stands behind the attribute's name, and in no file.
    place = ".".join(str(part) for index, part in enumerate(loc) if index != _KIND_AT)
    value = json.dumps(error["input"], default=str)
    shown = value if len(value) <= _SHOWN_CHARS else f"{value[:_SHOWN_CHARS]}…"
    return f"{FILE}: {place} = {shown}: {error['msg']}"


@functools.cache
def load_catalogue() -> Catalogue:
    """Read the game's own catalogue, once.

    Raises:
        CatalogueError: as `parse_catalogue`.
    """
    return parse_catalogue(Path(__file__).with_name(FILE).read_text("utf-8"))
