"""Parameters: what a request may ask for, and how it is checked. Pure functions.

No parameter has a default that is seen outside: an event holds what its client asked for, and
nothing that it did not.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NoReturn, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model
from pydantic_core import ErrorDetails, PydanticCustomError

from headcount_service.catalogue import Attribute, Catalogue, Choice
from headcount_service.errors import InvalidParameter, RequestError

_BAD_REQUEST = 400
_SHOWN_CHARS = 100
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,16}", re.ASCII)


def _whole_number(value: Any) -> Any:
    """Take a number or its decimal digits, and nothing else that Python would turn into an int."""
    if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise PydanticCustomError("whole_number", "not a whole number")


WholeNumber = Annotated[int, BeforeValidator(_whole_number)]

PLAYER_PATTERN = r"^[A-Za-z0-9._:-]{1,64}$"
PLAYER_RULE = "1 to 64 letters, digits, dots, underscores, colons or hyphens"
GUILD_PATTERN = r"^[A-Za-z0-9](?:[A-Za-z0-9 ._'-]{0,62}[A-Za-z0-9])?$"
GUILD_RULE = (
    "1 to 64 letters, digits, spaces, dots, underscores, apostrophes or hyphens,"
    " with a letter or a digit at both ends"
)


class Parameters(BaseModel):
    """The parameters of one route. A field's description is the rule that a 400 states."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoParameters(Parameters):
    """For a route that takes none."""


class PlayerParameters(Parameters):
    """What every action of a player takes."""

    player_id: str = Field(default="", pattern=PLAYER_PATTERN, description=PLAYER_RULE)


def sword_parameters(catalogue: Catalogue) -> type[Parameters]:
    """What the purchase of a sword takes, all of it optional."""
    most = catalogue.max_quantity
    rule = f"a whole number from 1 to {most}"
    fields: dict[str, Any] = {
        "quantity": (WholeNumber, Field(default=1, ge=1, le=most, description=rule)),
        **{
            name: (kind_of(attribute), Field(default=None, description=attribute.rule))
            for name, attribute in catalogue.items["sword"].attributes.items()
        },
    }
    return create_model("SwordParameters", __base__=PlayerParameters, **fields)


def kind_of(attribute: Attribute) -> Any:
    """The type that checks an attribute's values."""
    if isinstance(attribute, Choice):
        return Literal[tuple(attribute.values)]
    return Annotated[WholeNumber, Field(ge=attribute.minimum, le=attribute.maximum)]


class GuildParameters(PlayerParameters):
    """What joining a guild takes."""

    guild: str = Field(default="", pattern=GUILD_PATTERN, description=GUILD_RULE)


@dataclass(frozen=True, slots=True)
class RequestParameter:
    """One parameter as it was given, by path, query string, form or JSON."""

    name: str
    value: Any


class Form(Protocol):
    """What a route takes."""

    @property
    def models(self) -> tuple[type[Parameters], ...]:
        """What the parameters may be: one of these."""

    def check(self, supplied: Iterable[RequestParameter]) -> dict[str, Any]:
        """The parameters, checked. Raises RequestError: 400, with a fault for each bad one."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A route whose parameters are the same for every request."""

    model: type[Parameters]

    @property
    def models(self) -> tuple[type[Parameters], ...]:
        """See `Form`."""
        return (self.model,)

    def check(self, supplied: Iterable[RequestParameter]) -> dict[str, Any]:
        """See `Form`."""
        return check_parameters(self.model, supplied)


def check_parameters(
    model: type[Parameters], supplied: Iterable[RequestParameter]
) -> dict[str, Any]:
    """The parameters that were given, checked; those that were not are absent.

    Raises:
        RequestError: 400, with a fault for each name that is unknown, given twice or badly valued.
    """
    all_supplied = tuple(supplied)
    faults = _supplied_twice(all_supplied)
    try:
        checked = model.model_validate({each.name: each.value for each in all_supplied})
    except ValidationError as error:
        twice = {fault.name for fault in faults}
        candidates = (_fault(model, each) for each in error.errors(include_url=False))
        # A value that might be one of several is wrong in as many ways, and is told once.
        faults += tuple(dict.fromkeys(fault for fault in candidates if fault.name not in twice))
    if faults:
        named = ", ".join(fault.name for fault in faults)
        raise RequestError(_BAD_REQUEST, f"Not acceptable: {named}.", faults)
    # A default is never written into an event; it only tells the type checker what a field holds.
    return checked.model_dump(exclude_unset=True)


def parse_json_object(body: bytes) -> tuple[RequestParameter, ...]:
    """The members of a JSON object, in order, those with the same name included.

    Raises:
        RequestError: 400, when the body is no JSON, or no object.
    """
    try:
        pairs = json.loads(body, object_pairs_hook=_Pairs, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise RequestError(_BAD_REQUEST, "The body is not well-formed JSON.") from error
    if not isinstance(pairs, _Pairs):
        raise RequestError(_BAD_REQUEST, "The body must be a JSON object.")
    return tuple(RequestParameter(name, value) for name, value in pairs)


class _Pairs(list[tuple[str, Any]]):
    """A JSON object before its members are put into a dict, which would hide a name given twice."""


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _supplied_twice(supplied: tuple[RequestParameter, ...]) -> tuple[InvalidParameter, ...]:
    times = Counter(each.name for each in supplied)
    return tuple(
        InvalidParameter(
            show(name),
            ", ".join(show(each.value) for each in supplied if each.name == name),
            f"must be given once, not {count} times",
        )
        for name, count in times.items()
        if count > 1
    )


def _fault(model: type[Parameters], error: ErrorDetails) -> InvalidParameter:
    name = str(error["loc"][0])
    field = model.model_fields.get(name)
    if field is not None and error["type"] == "missing":
        return InvalidParameter(name, "", f"is missing; it must be {field.description}")
    if field is not None:
        return InvalidParameter(name, show(error["input"]), f"must be {field.description}")
    takes = ", ".join(sorted(model.model_fields)) or "no parameters"
    return InvalidParameter(
        show(name), show(error["input"]), f"is not known here; this route takes {takes}"
    )


def show(value: Any) -> str:
    """A value as an answer may show it: short, on one line, and encodable."""
    text = value if isinstance(value, str) else _as_json(value)
    shown = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return shown if len(shown) <= _SHOWN_CHARS else f"{shown[:_SHOWN_CHARS]}…"


def _as_json(value: Any) -> str:
    try:
        return json.dumps(value)
    except (ValueError, RecursionError):
        return f"<{type(value).__name__}>"
