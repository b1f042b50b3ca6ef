"""Protobuf messages as JSON objects, by the rules that docs/formats.md declares.

They are those of Protobuf's own JSON mapping, except that 64-bit integers are numbers, and that NaN
and the infinities equal no JSON value. Field names are those of the schema.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, NamedTuple

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool

from headcount_analysis.formats.json_values import base64_text, shortest_double

Convert = Callable[[Any], object]

_TEXT_OR_STRUCT: Final = frozenset(
    f"google.protobuf.{name}"
    for name in ("Timestamp", "Duration", "FieldMask", "Struct", "Value", "ListValue")
)
_WRAPPERS: Final = frozenset(
    f"google.protobuf.{name}Value"
    for name in (
        *("Double", "Float", "Int64", "UInt64", "Int32", "UInt32"),
        *("Bool", "String", "Bytes"),
    )
)
_ANY: Final = "google.protobuf.Any"
_DECIMAL: Final = "confluent.type.Decimal"

_SCALARS: Final[Mapping[int, Convert]] = {
    FieldDescriptor.TYPE_BYTES: base64_text,
    FieldDescriptor.TYPE_FLOAT: shortest_double,
}
"""Scalars whose values are not JSON values already."""


class _FieldPlan(NamedTuple):
    """How a field is read; `convert` is None if its value is a JSON value already."""

    name: str
    may_be_absent: bool
    convert: Convert | None


@dataclass(slots=True)
class ProtobufValues:
    """Turns messages whose types are in a pool into JSON values."""

    pool: DescriptorPool
    _plans: dict[str, tuple[_FieldPlan, ...]] = field(default_factory=dict)

    def as_object(self, message: Any) -> dict[str, object]:
        """Return a message as a JSON object.

        A field that is not set has its default if it lacks presence; otherwise it is left out.

        Raises:
            ValueError, TypeError: It has no JSON form, such as a time beyond the year 9999.
        """
        descriptor = message.DESCRIPTOR
        plan = self._plans.get(descriptor.full_name)
        if plan is None:
            plan = self._plans[descriptor.full_name] = tuple(map(self._plan, descriptor.fields))
        values = {}
        for name, may_be_absent, convert in plan:
            if may_be_absent and not message.HasField(name):
                continue
            value = getattr(message, name)
            values[name] = value if convert is None else convert(value)
        return values

    def _plan(self, descriptor: FieldDescriptor) -> _FieldPlan:
        message = descriptor.message_type
        if message is not None and message.GetOptions().map_entry:
            return _FieldPlan(descriptor.name, False, self._of_map(message))
        convert = self._of_value(descriptor)
        if descriptor.is_repeated:
            many = list if convert is None else functools.partial(_converted, convert)
            return _FieldPlan(descriptor.name, False, many)
        return _FieldPlan(descriptor.name, descriptor.has_presence, convert)

    def _of_value(self, descriptor: FieldDescriptor) -> Convert | None:
        """Return how one value of a field is converted."""
        if descriptor.message_type is not None:
            return self._of_message(descriptor.message_type)
        if descriptor.enum_type is not None:
            return functools.partial(_enum_name, descriptor.enum_type)
        return _SCALARS.get(descriptor.type)

    def _of_message(self, descriptor: Descriptor) -> Convert:
        name = descriptor.full_name
        if name in _TEXT_OR_STRUCT:
            return json_format.MessageToDict
        if name in _WRAPPERS:
            convert = self._of_value(descriptor.fields_by_name["value"])
            return functools.partial(_wrapped, convert)
        return {_ANY: self._any, _DECIMAL: _decimal}.get(name, self.as_object)

    def _of_map(self, entry: Descriptor) -> Convert:
        convert = self._of_value(entry.fields_by_name["value"])
        return functools.partial(_map, convert)

    def _any(self, message: Any) -> object:
        """Return a message of any type; if the schema does not know its type, return its bytes."""
        try:
            return json_format.MessageToDict(
                message, preserving_proto_field_name=True, descriptor_pool=self.pool
            )
        except TypeError:
            return {"@type": message.type_url, "value": base64_text(message.value)}


def _converted(convert: Convert, values: Any) -> list[object]:
    return [convert(value) for value in values]


def _map(convert: Convert | None, values: Any) -> dict[str, object]:
    """Return a map as an object; its keys are texts, as JSON's are."""
    return {
        str(key).lower() if isinstance(key, bool) else str(key): (
            value if convert is None else convert(value)
        )
        for key, value in values.items()
    }


def _wrapped(convert: Convert | None, message: Any) -> object:
    return message.value if convert is None else convert(message.value)


def _enum_name(enum: EnumDescriptor, number: int) -> object:
    """Return the name of an enum's number, or the number if the schema has no name for it."""
    value = enum.values_by_number.get(number)
    return number if value is None else value.name


def _decimal(message: Any) -> Decimal:
    """Return Confluent's decimal as a number."""
    return Decimal(int.from_bytes(message.value, signed=True)).scaleb(-message.scale)
