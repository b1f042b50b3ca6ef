"""Parameters: what a request may contain, and how it is checked. Pure functions.

An event holds only what its client sent: no default value reaches the topic.
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
    """Accept an int or decimal digits, but nothing else that Python could convert to an int."""
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
    """The parameters of one route. A 400 quotes a field's description as the rule."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoParameters(Parameters):
    """The parameters of a route that takes none."""


class PlayerParameters(Parameters):
    """The parameters common to all commands of a player."""

    player_id: str = Field(default="", pattern=PLAYER_PATTERN, description=PLAYER_RULE)


def sword_parameters(catalogue: Catalogue) -> type[Parameters]:
    """Create the model of a sword purchase, whose parameters are all optional."""
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
    """Return the type that validates an attribute's values."""
    if isinstance(attribute, Choice):
        return Literal[tuple(attribute.values)]
    return Annotated[WholeNumber, Field(ge=attribute.minimum, le=attribute.maximum)]


class GuildParameters(PlayerParameters):
    """The parameters of joining a guild."""

    guild: str = Field(default="", pattern=GUILD_PATTERN, description=GUILD_RULE)


@dataclass(frozen=True, slots=True)
class RequestParameter:
    """One parameter as the client sent it in the path, query string, form or JSON."""

    name: str
    value: Any


class Form(Protocol):
    """The parameters that a route accepts."""

    @property
    def models(self) -> tuple[type[Parameters], ...]:
        """The alternatives: a request must match one of these."""

    def check(self, supplied: Iterable[RequestParameter]) -> dict[str, Any]:
        """Check and return the parameters. Raises RequestError: 400, a fault for each bad one."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A form with one model, which every request must match."""

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
    """Check and return the supplied parameters, without defaults for the others.

    Raises:
        RequestError: 400, with a fault for each parameter that is unknown, repeated or invalid.
    """
    all_supplied = tuple(supplied)
    faults = _repeated(all_supplied)
    try:
        checked = model.model_validate(
            {parameter.name: parameter.value for parameter in all_supplied}
        )
    except ValidationError as error:
        repeated = {fault.name for fault in faults}
        candidates = (_fault(model, details) for details in error.errors(include_url=False))
        # A field of several types has an error for each type; report the fault once.
        faults += tuple(dict.fromkeys(fault for fault in candidates if fault.name not in repeated))
    if faults:
        names = ", ".join(fault.name for fault in faults)
        raise RequestError(_BAD_REQUEST, f"Invalid parameters: {names}.", faults)
    # Without defaults, which must not reach the event.
    return checked.model_dump(exclude_unset=True)


def parse_json_object(body: bytes) -> tuple[RequestParameter, ...]:
    """Return the members of a JSON object in order, including repeated names.

    Raises:
        RequestError: 400, if the body is not a JSON object.
    """
    try:
        pairs = json.loads(body, object_pairs_hook=_Pairs, parse_constant=_reject_constant)
    except (ValueError, RecursionError) as error:
        raise RequestError(_BAD_REQUEST, "The body is not well-formed JSON.") from error
    if not isinstance(pairs, _Pairs):
        raise RequestError(_BAD_REQUEST, "The body must be a JSON object.")
    return tuple(RequestParameter(name, value) for name, value in pairs)


class _Pairs(list[tuple[str, Any]]):
    """The members of a JSON object as a list; a dict would hide repeated names."""


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _repeated(supplied: tuple[RequestParameter, ...]) -> tuple[InvalidParameter, ...]:
    times = Counter(parameter.name for parameter in supplied)
    return tuple(
        InvalidParameter(
            show(name),
            ", ".join(show(parameter.value) for parameter in supplied if parameter.name == name),
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
    names = ", ".join(sorted(model.model_fields)) or "no parameters"
    return InvalidParameter(
        show(name), show(error["input"]), f"is unknown; this route takes {names}"
    )


def show(value: Any) -> str:
    """Format a value for a response: short, on one line, and encodable."""
    text = value if isinstance(value, str) else _as_json(value)
    shown = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return shown if len(shown) <= _SHOWN_CHARS else f"{shown[:_SHOWN_CHARS]}…"


def _as_json(value: Any) -> str:
    try:
        return json.dumps(value)
    except (ValueError, RecursionError):
        return f"<{type(value).__name__}>"
