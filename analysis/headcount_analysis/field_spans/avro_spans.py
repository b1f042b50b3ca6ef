"""Avro spans: where the top-level fields of a record are in the bytes of many messages.

A record's fields follow each other without names. So to find one, the fields before it are skipped
in all messages together, as far as their types can be skipped. A value has a span only if any other
of the same length may replace it: a number, a plain text, or bytes.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from headcount_analysis.arrow_types import Integers
from headcount_analysis.field_spans.byte_rows import ByteRows, ByteSpan
from headcount_analysis.field_spans.varints import CONTINUES, Varints, after, is_plain

_MOST_ITEMS = 16


class _Type(ABC):
    """A type of values; `start` is where each message's value begins, -1 if it has none."""

    @abstractmethod
    def end(self, texts: ByteRows, start: Integers) -> Integers:
        """Return where the values end; -1 for one that cannot be skipped."""

    def span(self, texts: ByteRows, start: Integers) -> ByteSpan | None:  # noqa: ARG002
        """Return the spans of values that may be replaced; None if this type has none."""
        return None


@dataclass(frozen=True, slots=True)
class _Integer(_Type):
    """A number; `is_free` if any other may replace it, which is not so for an enumeration."""

    is_free: bool = True

    def end(self, texts: ByteRows, start: Integers) -> Integers:
        return Varints.at(texts, start).end

    def span(self, texts: ByteRows, start: Integers) -> ByteSpan | None:
        end = self.end(texts, start)
        return ByteSpan(end >= 0, start, end, CONTINUES) if self.is_free else None


@dataclass(frozen=True, slots=True)
class _Fixed(_Type):
    size: int
    is_free: bool = True

    def end(self, texts: ByteRows, start: Integers) -> Integers:
        return after(texts, start, np.full(len(start), self.size))

    def span(self, texts: ByteRows, start: Integers) -> ByteSpan | None:
        end = self.end(texts, start)
        return ByteSpan(end >= 0, start, end) if self.is_free else None


@dataclass(frozen=True, slots=True)
class _Delimited(_Type):
    """A text or bytes, after their length."""

    is_text: bool

    def _content(self, texts: ByteRows, start: Integers) -> ByteSpan:
        length = Varints.at(texts, start)
        end = after(texts, length.end, _signed(length.number))
        return ByteSpan(end >= 0, length.end, end)

    def end(self, texts: ByteRows, start: Integers) -> Integers:
        return self._content(texts, start).end

    def span(self, texts: ByteRows, start: Integers) -> ByteSpan:
        content = self._content(texts, start)
        return replace(content, is_one=is_plain(texts, content)) if self.is_text else content


@dataclass(frozen=True, slots=True)
class _Union(_Type):
    branches: Sequence[_Type]

    def end(self, texts: ByteRows, start: Integers) -> Integers:
        index = Varints.at(texts, start)
        end = np.full(len(start), -1, np.int64)
        for number, branch in enumerate(self.branches):
            is_here = _signed(index.number) == number
            end = np.maximum(end, branch.end(texts, np.where(is_here, index.end, -1)))
        return end

    def span(self, texts: ByteRows, start: Integers) -> ByteSpan | None:
        """Return the spans of the branch that is not null; None unless there is exactly one."""
        others = [
            (number, branch) for number, branch in enumerate(self.branches) if branch != _NULL
        ]
        if len(others) != 1:
            return None
        ((number, branch),) = others
        index = Varints.at(texts, start)
        return branch.span(texts, np.where(_signed(index.number) == number, index.end, -1))


@dataclass(frozen=True, slots=True)
class _Items(_Type):
    """The items of an array or a map, in one block; those of a map have a name each."""

    parts: Sequence[_Type]

    def end(self, texts: ByteRows, start: Integers) -> Integers:
        count = Varints.at(texts, start)
        end, left = count.end, np.where(count.end >= 0, _signed(count.number), 0)
        is_empty = left == 0
        for _ in range(min(int(left.max(initial=0)), _MOST_ITEMS)):
            item = np.where(left > 0, end, -1)
            for part in self.parts:
                item = part.end(texts, item)
            end = np.where(left > 0, item, end)
            left = left - (left > 0)
        is_closed = (left == 0) & (end >= 0) & (end < texts.ends) & (texts.byte(end) == 0)
        return np.where(is_empty, end, np.where(is_closed, end + 1, -1))


@dataclass(frozen=True, slots=True)
class AvroRecord(_Type):
    """A record; `fields` has its fields by name, those before the first that cannot be skipped."""

    fields: Mapping[str, _Type]

    def end(self, texts: ByteRows, start: Integers) -> Integers:
        """Return where the records end."""
        for type_ in self.fields.values():
            start = type_.end(texts, start)
        return start

    def spans(
        self, texts: ByteRows, start: Integers, names: Collection[str]
    ) -> dict[str, ByteSpan]:
        """Find fields of the records that begin at `start`, -1 for a message that has none."""
        left, spans = set(names) & self.fields.keys(), {}
        for name, type_ in self.fields.items():
            if name in left and (span := type_.span(texts, start)) is not None:
                spans[name] = span
            left.discard(name)
            if not left:
                break
            start = type_.end(texts, start)
        return spans


def avro_record(schema: Any, named: Mapping[str, Any]) -> AvroRecord | None:
    """Make the record of a schema that fastavro has parsed; None if it is of another type.

    `named` are the types that it refers to.
    """
    if isinstance(schema, str):
        schema = named.get(schema)
    if not isinstance(schema, Mapping) or schema["type"] not in _RECORDS:
        return None
    return AvroRecord(_Types(named).fields(schema["fields"]))


_RECORDS = ("record", "error")
_NULL = _Fixed(0)
_PRIMITIVES: Mapping[str, _Type] = {
    "null": _NULL,
    "boolean": _Fixed(1, is_free=False),
    "int": _Integer(),
    "long": _Integer(),
    "float": _Fixed(4),
    "double": _Fixed(8),
    "string": _Delimited(is_text=True),
    "bytes": _Delimited(is_text=False),
    "enum": _Integer(is_free=False),
}


@dataclass(frozen=True, slots=True)
class _Types:
    """Makes types from schemas; None for what cannot be skipped, such as a recursive type."""

    named: Mapping[str, Any]
    _known: dict[str, _Type | None] = field(default_factory=dict)

    def fields(self, schemas: Sequence[Any]) -> dict[str, _Type]:
        """Return the first fields of a record, as far as they can be skipped."""
        fields = {}
        for schema in schemas:
            type_ = self.of(schema["type"])
            if type_ is None:
                break
            fields[schema["name"]] = type_
        return fields

    def of(self, schema: Any) -> _Type | None:
        """Make a type."""
        if isinstance(schema, list):
            branches = self._all(schema)
            return None if branches is None else _Union(branches)
        if isinstance(schema, Mapping):
            return self._complex(schema)
        return _PRIMITIVES[schema] if schema in _PRIMITIVES else self._by_name(schema)

    def _all(self, schemas: Sequence[Any]) -> list[_Type] | None:
        types = [self.of(schema) for schema in schemas]
        return None if None in types else [type_ for type_ in types if type_]

    def _complex(self, schema: Mapping[str, Any]) -> _Type | None:
        match schema["type"]:
            case "record" | "error":
                fields = self.fields(schema["fields"])
                return AvroRecord(fields) if len(fields) == len(schema["fields"]) else None
            case "array" | "map" as kind:
                parts = [schema["items"]] if kind == "array" else ["string", schema["values"]]
                types = self._all(parts)
                return None if types is None else _Items(types)
            case "fixed":
                return _Fixed(schema["size"])
            case other:
                return self.of(other)

    def _by_name(self, name: str) -> _Type | None:
        if name not in self._known:
            self._known[name] = None
            self._known[name] = self.of(self.named[name]) if name in self.named else None
        return self._known[name]


def _signed(number: Integers) -> Integers:
    """Return numbers with the sign that Avro keeps in their lowest bit."""
    signed: Integers = (number >> 1) ^ -(number & 1)
    return signed
