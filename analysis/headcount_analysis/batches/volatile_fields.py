"""Volatile fields: fields that were not requested and differ in every message, such as a receipt.

They are found in a sample of messages and masked in all, so that messages with no other difference
are read once. Only complete plain values are masked: a text of printable ASCII without quotes or
escapes, or a number without an exponent or a leading zero. Whatever replaces such a value, the rest
of the message keeps its meaning.
"""

import string
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from headcount_analysis.batches.byte_rows import ByteRows, ByteSpan, Characters
from headcount_analysis.messages.json_message import ParsedMessage

MOST_FIELDS = 4
"""The most fields that are masked; each one takes time."""

_DIFFERING = 0.5
_OFTEN = 1 / 16
_FRAME_BYTES = 5
_LONGEST = 100
_DIGITS = Characters.of(string.digits)
_NOT_ZERO = Characters.of("123456789")
_PLAIN = Characters.of("".join(map(chr, range(0x20, 0x7F))).replace('"', "").replace("\\", ""))
_AFTER_NUMBER = Characters.of(",} \n")
_QUOTE = Characters.of('"')
_MINUS, _DOT, _ZERO = ord("-"), ord("."), ord("0")


@dataclass(frozen=True, slots=True)
class Field:
    """A field whose value is a text, or else a number."""

    name: str
    is_text: bool

    @property
    def quoted(self) -> bytes:
        """The name as it is written in a message."""
        return f'"{self.name}"'.encode()


def differing(
    messages: Sequence[tuple[bytes, ParsedMessage]], read: Collection[str]
) -> tuple[Field, ...]:
    """List the fields that differ in most messages that have them, and are not in `read`.

    `messages` are parsed, each beside its bytes. A field that few of them have is left out.
    """
    values: dict[Field, set[object]] = {}
    counts: Counter[Field] = Counter()
    for content, message in messages:
        for name, value in _fields(message):
            field = Field(name, isinstance(value, str))
            is_plain = name.isascii() and type(value) in {str, int, Decimal}
            if name not in read and is_plain and field.quoted in content:
                values.setdefault(field, set()).add(value)
                counts[field] += 1
    differing = [
        field
        for field, count in counts.items()
        if count >= _OFTEN * len(messages) and len(values[field]) > _DIFFERING * count
    ]
    return tuple(sorted(differing, key=lambda field: -len(values[field])))[:MOST_FIELDS]


def _fields(message: ParsedMessage) -> Iterator[tuple[str, object]]:
    """Yield the fields of the event, and those around it in its envelope, two levels deep."""
    event, root = message.event or {}, message.root
    yield from event.items()
    if root is None or root is event:
        return
    for name, value in root.items():
        yield name, value
        if isinstance(value, Mapping) and value is not event:
            yield from value.items()


def spans(texts: ByteRows, fields: Iterable[Field]) -> list[ByteSpan]:
    """Find the first value of each field in messages."""
    return [_text(texts, field) if field.is_text else _number(texts, field) for field in fields]


def _text(texts: ByteRows, field: Field) -> ByteSpan:
    start = texts.after(field.quoted + b':"', field.quoted + b': "')
    end = texts.run(start, _PLAIN, _LONGEST)
    return ByteSpan((start >= 0) & _QUOTE.have(texts.byte(end)), start, end)


def _number(texts: ByteRows, field: Field) -> ByteSpan:
    value = texts.after(field.quoted + b": ", field.quoted + b":")
    start = value + (texts.byte(value) == _MINUS)
    end = texts.run(start, _DIGITS, _LONGEST)
    is_number = _NOT_ZERO.have(texts.byte(start))
    is_point = texts.byte(end) == _DOT
    if is_point.any():
        fraction = texts.run(np.where(is_point, end + 1, -1), _DIGITS, _LONGEST)
        is_fraction = is_point & (fraction > end + 1)
        is_number |= is_fraction & (texts.byte(start) == _ZERO) & (end == start + 1)
        end = np.where(is_fraction, fraction, end)
    return ByteSpan(is_number & _AFTER_NUMBER.have(texts.byte(end)), start, end)


def is_apart(value: bytes, message: ParsedMessage, fields: Sequence[Field]) -> bool:
    """Whether only these fields of a message can depend on the bytes masked in it.

    That holds if the message has no escapes, and each name occurs in it only as that of a field of
    the event or its envelope, or not at all.
    """
    content = value[_FRAME_BYTES:] if value.startswith(b"\0") else value
    if message.event is None or b"\\" in content:
        return False
    if not fields:
        return True
    names = Counter(name for name, _ in _fields(message))
    return all(value.count(field.quoted) in {0, names[field.name]} for field in fields)
