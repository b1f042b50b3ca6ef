"""Free properties: those of a JSON Schema whose values cannot decide whether a message is valid.

A property is free if its schema, and that of the message, have no keywords other than those listed
here. Any text may then replace another one, and any number another one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from jsonschema.protocols import Validator

_OF_MESSAGE: Final = {"type", "properties", "required", "additionalProperties"}
_OF_PROPERTY: Final = {"type", "format", "oneOf", "anyOf"}
"""`format` is not checked: the validator has no format checker."""

_TYPES: Final = {"null", "boolean", "integer", "number", "string", "array", "object"}


@dataclass(frozen=True, slots=True)
class FreeProperties:
    """The free properties of messages.

    For each property that the schema lists, `listed` says whether a number in it may have a
    fraction, None if the property is not free. Where integers are allowed, it may not: 1.0 counts
    as an integer and 1.5 does not. `are_others` says whether all other properties are free.
    """

    listed: Mapping[str, bool | None]
    are_others: bool

    def allows_fractions(self, name: str) -> bool | None:
        """Whether a number in a property may have a fraction; None if the property is not free."""
        return self.listed.get(name, True if self.are_others else None)


def free_properties(validator: Validator) -> FreeProperties:
    """Return the free properties of the messages that a validator checks."""
    # A validator ignores all other keywords.
    schema, keywords = validator.schema, frozenset(validator.VALIDATORS)
    if not isinstance(schema, Mapping) or not (schema.keys() & keywords) <= _OF_MESSAGE:
        return FreeProperties({}, are_others=False)
    listed = {}
    for name, part in schema.get("properties", {}).items():
        types = list(_types(part, keywords))
        listed[name] = "integer" not in types if _TYPES.issuperset(types) else None
    are_others = isinstance(schema.get("additionalProperties", True), bool)
    return FreeProperties(listed, are_others)


def _types(schema: Any, keywords: frozenset[str]) -> Iterator[str]:
    """Yield the types that a property's schema names; an empty name stands for any other rule."""
    if not isinstance(schema, Mapping) or not (schema.keys() & keywords) <= _OF_PROPERTY:
        yield ""
        return
    types = schema.get("type", ())
    for type_ in [types] if isinstance(types, str) else types:
        yield type_ if isinstance(type_, str) else ""
    for branch in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        yield from _types(branch, keywords)
