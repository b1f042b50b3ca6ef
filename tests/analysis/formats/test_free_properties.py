"""Free properties: which values may be replaced without making a message invalid."""

import json
from typing import Any

import pytest
from headcount_analysis.formats.free_properties import free_properties
from jsonschema.validators import validator_for

WITH_FRACTIONS, WHOLE = True, False


def of(schema: Any) -> dict[str, bool | None]:
    """Return whether the properties `at` and `other` may have fractions; None if not free."""
    free = free_properties(validator_for(schema)(schema))
    return {name: free.allows_fractions(name) for name in ("at", "other")}


@pytest.mark.parametrize(
    ("part", "allows"),
    [
        ({"type": "integer"}, WHOLE),
        ({"type": "number"}, WITH_FRACTIONS),
        ({"type": ["number", "integer"]}, WHOLE),
        ({"type": "string", "format": "date-time", "title": "When"}, WITH_FRACTIONS),
        ({"oneOf": [{"type": "null"}, {"type": "integer", "connect.type": "int64"}]}, WHOLE),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, WITH_FRACTIONS),
        ({}, WITH_FRACTIONS),
        ({"type": "integer", "maximum": 5}, None),
        ({"type": "string", "pattern": "a"}, None),
        ({"oneOf": [{"type": "string", "maxLength": 3}, {"type": "null"}]}, None),
        ({"$ref": "#/definitions/at"}, None),
        ({"const": 3}, None),
        (True, None),
    ],
)
def test_the_schema_of_a_property(part: object, *, allows: bool | None) -> None:
    """Only types, and what a validator does not check, leave a property free."""
    assert of({"type": "object", "properties": {"at": part}, "required": ["at"]})["at"] is allows


@pytest.mark.parametrize(
    "rule",
    [
        '{"allOf": [{"properties": {"at": {"maximum": 5}}}]}',
        '{"if": {"properties": {"at": {"const": 5}}}, "then": {"required": ["a"]}}',
        '{"patternProperties": {"a.": {"maximum": 5}}}',
        '{"enum": [{"at": 5}]}',
        '{"unevaluatedProperties": {"maximum": 5}}',
    ],
)
def test_a_rule_for_the_whole_message(rule: str) -> None:
    """No property is free, since the rule may look into any."""
    schema = {"properties": {"at": {"type": "number"}}, **json.loads(rule)}
    assert of(schema) == {"at": None, "other": None}


def test_properties_that_are_not_listed() -> None:
    """They are free if they are allowed or refused whatever their values are."""
    for additional in ({}, {"additionalProperties": False}, {"additionalProperties": True}):
        assert of({"properties": {}, **additional}) == dict.fromkeys(("at", "other"), True)
    schema = {"properties": {"at": {}}, "additionalProperties": {"maximum": 5}}
    assert of(schema) == {"at": True, "other": None}


def test_a_schema_that_is_a_boolean() -> None:
    """Nothing is known about its messages."""
    assert free_properties(validator_for(True)(True)).allows_fractions("at") is None
