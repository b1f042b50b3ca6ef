"""Volatile fields: fields that were not requested and differ in every message, such as a receipt.

They are found in a sample of messages and masked in all, so that messages with no other difference
are read once.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal

from headcount_analysis.field_spans.json_spans import Field
from headcount_analysis.messages.json_message import ParsedMessage

MOST_FIELDS = 4
"""The maximum number of fields that are masked; each one takes time."""

_DIFFERING = 0.5
_OFTEN = 1 / 16
_FRAME_BYTES = 5


def differing(
    messages: Sequence[tuple[bytes, ParsedMessage]], read: Collection[str], *, is_json: bool
) -> tuple[Field, ...]:
    """List the fields that differ in most messages that have them, and are not in `read`.

    `messages` are parsed, each beside its bytes. A field that few of them have is left out.
    """
    values: dict[Field, set[object]] = {}
    counts: Counter[Field] = Counter()
    for content, message in messages:
        for name, value in _fields(message):
            field = Field(name, isinstance(value, str))
            is_plain = name.isascii() and type(value) in {str, int, float, Decimal}
            is_named = not is_json or field.quoted in content
            if name not in read and is_plain and is_named:
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


def is_apart(value: bytes, message: ParsedMessage, fields: Sequence[Field]) -> bool:
    """Whether only these fields of a message can depend on the bytes masked in it.

    That holds if the message has no escapes, and if every occurrence of a field's name in it is the
    name of a field of the event or its envelope.
    """
    content = value[_FRAME_BYTES:] if value.startswith(b"\0") else value
    if message.event is None or b"\\" in content:
        return False
    return all(
        value.count(field.quoted) in {0, _occurrences(message, field.name)} for field in fields
    )


def _occurrences(message: ParsedMessage, name: str) -> int:
    """Count the fields of this name in the event and its envelope."""
    event, root = message.event or {}, message.root
    if root is None or root is event:
        return int(name in event)
    return sum(other == name for other, _ in _fields(message))
