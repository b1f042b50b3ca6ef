"""Kafka Connect's schemas, as its JSON converter writes them beside a payload.

Only decimals need them: they are written as base64 of their unscaled value, and the schema has the
scale. Source: `org.apache.kafka.connect.data.Decimal` and Debezium's `VariableScaleDecimal`.
"""

import base64
import binascii
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

_DECIMAL: Final = "org.apache.kafka.connect.data.Decimal"
_VARIABLE: Final = "io.debezium.data.VariableScaleDecimal"


def converted(value: object, schema: object) -> object:
    """Return a value with its decimals as numbers, so far as the schema describes them."""
    if value is None or not isinstance(schema, Mapping):
        return value
    name = schema.get("name")
    if name == _DECIMAL and isinstance(parameters := schema.get("parameters"), Mapping):
        return _number(value, parameters.get("scale"))
    if name == _VARIABLE and isinstance(value, Mapping):
        return _number(value.get("value"), value.get("scale"))
    fields, items = schema.get("fields"), schema.get("items")
    if isinstance(fields, list) and isinstance(value, Mapping):
        schemas = {field.get("field"): field for field in fields if isinstance(field, Mapping)}
        return {key: converted(item, schemas.get(key)) for key, item in value.items()}
    if isinstance(items, Mapping) and isinstance(value, list):
        return [converted(item, items) for item in value]
    return value


def _number(value: object, scale: object) -> object:
    try:
        content = base64.b64decode(str(value), validate=True)
        return Decimal(int.from_bytes(content, signed=True)).scaleb(-int(str(scale)))
    except (binascii.Error, ValueError, ArithmeticError):
        return value
