"""Free properties: those of a JSON Schema whose values cannot decide whether a message is valid.

A property is free if its schema, and that of the message, have no other keywords than those listed
here. Any text may then replace another one, and any number another one.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from jsonschema.protocols import Validator

_OF_MESSAGE: Final = {"type", "properties", "required", "additionalProperties"}
_OF_PROPERTY: Final = {"type", "format", "oneOf", "anyOf"}
"""`format` is not checked: the validator has no format checker."""

_TYPES: Final = {"null", "boolean", "integer", "number", "string", "array", "object"}


def free_properties(validator: Validator) -> dict[str, bool]:
    """Return the names of free properties, and whether a number in it may have a fraction.

    A fraction such as 1.0 counts as an integer, so it cannot replace others if integers are allowed
    or refused.
    """
    # A validator ignores all other keywords.
    schema, keywords = validator.schema, frozenset(validator.VALIDATORS)
    if not isinstance(schema, Mapping) or not (schema.keys() & keywords) <= _OF_MESSAGE:
        return {}
    free = {}
    for name, part in schema.get("properties", {}).items():
        types = list(_types(part, keywords))
        if _TYPES.issuperset(types):
            free[name] = "integer" not in types
    return free


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
