"""Content: what the messages of a batch say of themselves, from their bytes to kind and digests.

Load tests publish the same few things over and over, each with an id of its own. So the digits of
this run's ids are masked where they stand as plain text, and so are fields that nobody asked for
and that are always new (see `noise.py`); each of the texts that are left is read once, and all
messages that had it share what was read. That is only done where nothing that is read can depend on
what is masked: the text has no escapes, the id stands in it once, and the JSON object's id is the
one that stands there. Every other message is read by itself.
"""

import itertools
import json
import re
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
import pyarrow as pa
import xxhash

from headcount.ledger.digest import SEED, names_of, signed_hash
from headcount.run import ids
from headcount_analysis.arrow_types import TEXTS, Flags, Integers
from headcount_analysis.ledger.asked_shapes import AskedShapes, ShapeTable
from headcount_analysis.messages import volatile_fields
from headcount_analysis.messages.byte_rows import Characters, Span, Texts
from headcount_analysis.messages.json_message import (
    Content,
    Parsed,
    id_names,
    is_header,
    parse,
    read,
)

MAX_SHAPES = 256
"""A message is tried with so many shapes; of more, only with its own, by what the ledger says."""

EVENT_TYPE_FIELD = "event_type"

_MAX_SHOWN = 200  # characters of a hostile id or event type that are kept
_MAX_DIGITS = 18  # of an id's number, see `headcount/run/ids.py`
_DIGITS = Characters.of(string.digits)
_ZERO, _DOT, _QUOTE = ord("0"), ord("."), ord('"')
_MOST_REMEMBERED_BYTES = 64 << 20
_NOISY, _FEW_TEXTS = 0.2, 50
_MOST_LOOKS, _LOOKED_AT = 8, 64
_BYTES_BESIDE = 1000  # about what is remembered of a text besides itself
_NULL = 32  # a bit that stands for no masked place
_MOST_SPELLINGS = 4  # of the id's field
_MOST_SCHEMAS = 20


class Kind(StrEnum):
    """What a message turned out to be."""

    CLAIMED = "claimed"
    """Its id is of this run, and a generator has asked for it or may have."""
    PHANTOM = "phantom"
    FOREIGN = "foreign"
    MALFORMED = "malformed"
    GARBLED = "garbled"
    """It cannot be parsed either, and a whole id of this run stands in its bytes."""


KINDS = tuple(Kind)

ARRIVALS = pa.schema(
    [
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("timestamp_ms", pa.int64()),
        ("timestamp_type", pa.int32()),
        ("key_hash", pa.int64()),
        ("kind", TEXTS),
        ("claimed_id", pa.string()),
        ("generator", pa.int32()),
        ("seq", pa.int64()),
        ("event_type", TEXTS),
        ("digests", pa.list_(pa.int64())),
        ("value_hash", pa.int64()),
        ("defect", TEXTS),
    ]
)
"""A row for each message. `key_hash` is null without a key; `claimed_id` is a phantom's, and
`generator` and `seq` are those of a claimed one. `digests` are over the shapes that it can have.
`value_hash` tells apart the bytes of messages; `defect` says what is wrong with a malformed one."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What is looked for in the messages.

    `asked` says for each generator how many sequence numbers, from 0, it may have used; `shapes`
    are what is compared, or where these are too many `asked_shapes` says it of each attempt.
    """

    tag: str
    event_id_field: str
    asked: Mapping[int, int]
    shapes: Sequence[str]
    asked_shapes: AskedShapes | None = None

    @property
    def names_compared(self) -> frozenset[str]:
        """The fields of events that are compared, whole or in parts."""
        if self.asked_shapes is not None:
            return self.asked_shapes.names
        return frozenset(name for shape in self.shapes for name in names_of(shape))

    @property
    def prefix(self) -> str:
        """What this run's ids begin with."""
        return f"{self.tag}."


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of a text, and its kind, but for whether its id was asked for.

    `generator` and `seq` are -1 where the text has no id of the run, or only a masked one.
    """

    content: Content
    kind: Kind
    generator: int = -1
    seq: int = -1


_Text = tuple[bytes, int, int]
"""A masked text, what is masked in it, and the number of the shape that its event was asked in."""


@dataclass(slots=True)
class Reader:
    """Reads batch after batch, and remembers what it has read."""

    expected: Expected
    _known: dict[_Text, _Read | None] = field(default_factory=dict)
    _known_bytes: int = 0
    _noise: tuple[volatile_fields.Field, ...] = ()
    _looks: int = 0
    _spellings: tuple[str, ...] = ()
    _spelling_looks: int = 0
    _names_read: frozenset[str] = frozenset()
    _shapes: ShapeTable | None = None
    _whole_id: re.Pattern[bytes] = field(init=False)
    _schemas: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Prepare what every batch needs."""
        expected = self.expected
        self._spellings = (expected.event_id_field,)
        self._names_read = expected.names_compared | {EVENT_TYPE_FIELD, expected.event_id_field}
        self._whole_id = ids.whole_id(expected.tag)
        if expected.asked_shapes is not None:
            self._shapes = expected.asked_shapes.read()

    def arrivals(self, messages: pa.RecordBatch) -> pa.Table:
        """Give a row of ARRIVALS for each message.

        Args:
            messages: As `topic.MESSAGES` has them.
        """
        values = messages["value"]
        found = self._identities(values.fill_null(b""))
        masked = self._masked_messages(found)
        texts, place = self._texts(masked, found)
        # No value and an empty one are the same text, and not the same defect.
        is_null = values.is_null().to_numpy(zero_copy_only=False)
        first, what = _first_rows(place, len(texts)), masked.what | (is_null.astype(int) << _NULL)
        known = [
            self._text((text, int(what[row]), shape), values, int(row), found)
            for (text, shape), row in zip(texts, first, strict=True)
        ]
        # A text that somebody wrote with the mask in it is not the masked one.
        alone = np.array([each is None for each in known])[place] | (what != what[first][place])
        for row in np.flatnonzero(alone):
            place[row] = len(known)
            value = values[int(row)].as_py()
            known.append(self._read(value, parse(value)))
        reads = [each or _NOTHING for each in known]
        batch = _Batch(found, reads, place, found.is_there & ~alone)
        return _table(messages, batch, self.expected)

    def _identities(self, values: pa.Array) -> "Identities":
        """Find the ids in messages; where some have none, look how these write the field's name."""
        field, found = self.expected.event_id_field, self._found(values)
        missing = np.flatnonzero(~found.is_there)
        if not (len(missing) and is_header(field) and self._spelling_looks < _MOST_LOOKS):
            return found
        self._spelling_looks += 1
        rows = missing[np.linspace(0, len(missing) - 1, _LOOKED_AT // 4, dtype=np.int64)]
        events = [parse(value).event or {} for value in values.take(pa.array(rows)).to_pylist()]
        more = dict.fromkeys(name for event in events for name in id_names(tuple(event), field))
        new = [name for name in more if name not in self._spellings]
        if not new:
            return found
        self._spellings = (*new, *self._spellings)[:_MOST_SPELLINGS]
        self._names_read |= frozenset(new)
        return self._found(values)

    def _found(self, values: pa.Array) -> "Identities":
        compared = self.expected.names_compared
        # A field that is compared must be read as it is in each message.
        return identities(
            values, self.expected.prefix, [n for n in self._spellings if n not in compared]
        )

    def _texts(
        self, masked: "_Masked", found: "Identities"
    ) -> tuple[list[tuple[bytes, int]], Integers]:
        """Give each text that there is, with the number of its shape, and the text of each row."""
        texts: list[bytes] = masked.texts.dictionary.to_pylist()
        place: Integers = masked.texts.indices.to_numpy().astype(np.int64)
        if self._shapes is None:
            return [(text, 0) for text in texts], place
        shapes = np.where(found.is_there, self._shapes.numbers(found.generator, found.seq), 0)
        width = len(self._shapes.shapes) + 1
        pairs, places = np.unique(place * width + shapes, return_inverse=True)
        return [(texts[pair // width], int(pair % width)) for pair in pairs], places

    def _text(self, key: _Text, values: pa.Array, row: int, found: "Identities") -> _Read | None:
        """Give what all messages share that have a text, and the same masked in it.

        None where each must be read by itself.
        """
        if key not in self._known:
            if self._known_bytes > _MOST_REMEMBERED_BYTES:
                self._forget()
            self._known_bytes += len(key[0]) + _BYTES_BESIDE
            value = values[row].as_py()
            self._known[key] = (
                self._masked(value, key[0], found.identity(row))
                if found.is_there[row]
                else self._unmasked(value)
            )
        return self._known[key]

    def _masked_messages(self, found: "Identities") -> "_Masked":
        """Mask the messages; where most are new, look which fields make them so."""
        texts = found.texts
        masked = found.masked(self._noise)
        is_noisy = len(masked.texts.dictionary) > max(_FEW_TEXTS, _NOISY * len(texts.values))
        if not is_noisy or self._looks >= _MOST_LOOKS:
            return masked
        self._looks += 1
        rows = np.linspace(0, len(texts.values) - 1, _LOOKED_AT, dtype=np.int64)
        some = texts.values.take(pa.array(rows)).to_pylist()
        events = [event for value in some if (event := parse(value).event) is not None]
        known = {*self._names_read, *(each.name for each in self._noise)}
        # Another spelling of the id's field is read in each message, too.
        field = self.expected.event_id_field
        known |= {n for event in events for n in id_names(tuple(event), field)}
        more = volatile_fields.differing(events, known)
        if not more:
            return masked
        self._noise = (*self._noise, *more)[: volatile_fields.MOST_FIELDS]
        self._forget()
        return found.masked(self._noise)

    def _forget(self) -> None:
        self._known.clear()
        self._known_bytes = 0

    def _masked(self, value: bytes, text: bytes, identity: str) -> _Read | None:
        """Read one message for all that differ from it in what is masked alone."""
        parsed, prefix = parse(value), self.expected.prefix.encode()
        # The id's own place keeps its beginning in the masked text; another would be a second one.
        if not self._is_apart(value, parsed) or text.count(prefix) != 1:
            return None
        content = self._content(parsed)
        return _Read(content, Kind.CLAIMED) if content.identity == identity else None

    def _unmasked(self, value: bytes | None) -> _Read | None:
        """Read one message, that has no id in plain text, for all that are like it."""
        parsed = parse(value)
        if self._noise and not self._is_apart(value or b"", parsed):
            return None
        return self._read(value, parsed)

    def _is_apart(self, value: bytes, parsed: Parsed) -> bool:
        event = parsed.event
        return event is not None and volatile_fields.is_apart(value, event, self._noise)

    def _read(self, value: bytes | None, parsed: Parsed) -> _Read:
        """Read a message by itself."""
        content = self._content(parsed)
        prefix, identity = self.expected.prefix, content.identity
        if content.defect is not None:
            is_garbled = self._whole_id.search(value or b"") is not None
            content = replace(content, defect=self._bounded(content.defect))
            return _Read(content, Kind.GARBLED if is_garbled else Kind.MALFORMED)
        # What goes on with a letter is somebody's text, such as a host's name.
        if identity is None or not identity.startswith(prefix) or _is_name(identity, prefix):
            return _Read(content, Kind.FOREIGN)
        told = ids.parse(identity)
        if told is None:
            return _Read(content, Kind.PHANTOM)
        return _Read(content, Kind.CLAIMED, told.generator, told.seq)

    def _content(self, parsed: Parsed) -> Content:
        return read(parsed, self.expected.event_id_field, EVENT_TYPE_FIELD, self._shapes_of)

    def _shapes_of(self, identity: str | None) -> Sequence[str]:
        """Give the shapes that an event with an id can have."""
        if self._shapes is None:
            return self.expected.shapes
        told = None if identity is None else ids.parse(identity)
        if told is None or told.tag != self.expected.tag:
            return ()
        return self._shapes.of(told.generator, told.seq)

    def _bounded(self, defect: str) -> str:
        """Leave out the schema's number in a defect where there are very many."""
        name, _, schema = defect.partition(", schema ")
        if schema and len(self._schemas) < _MOST_SCHEMAS:
            self._schemas.add(schema)
        return name if schema and schema not in self._schemas else defect


def _is_name(identity: str, prefix: str) -> bool:
    return identity[len(prefix) : len(prefix) + 1].isalpha()


_NOTHING = _Read(Content(defect="empty"), Kind.MALFORMED)


@dataclass(frozen=True, slots=True)
class _Masked:
    """Messages as dictionary-encoded texts, and what is masked in each: a bit for each place."""

    texts: pa.DictionaryArray
    what: Integers


def _first_rows(place: Integers, count: int) -> Integers:
    """Give the first row that has each place."""
    first = np.zeros(count, np.int64)
    first[place[::-1]] = np.arange(len(place) - 1, -1, -1)
    return first


@dataclass(frozen=True, slots=True)
class _Batch:
    """What was read of a batch: `place` says for each message which of `reads` it is.

    Where `is_masked`, the message's own id is the one that was found in it.
    """

    found: "Identities"
    reads: Sequence[_Read]
    place: Integers
    is_masked: Flags

    def numbers(self, number: Callable[[_Read], int]) -> Integers:
        """Give a number that was read of each message."""
        numbers: Integers = np.array([number(each) for each in self.reads], np.int64)[self.place]
        return numbers

    def identity(self, row: int) -> str:
        """Write the id of a message that has one."""
        if self.is_masked[row]:
            return self.found.identity(row)
        return self.reads[self.place[row]].content.identity or ""


def _table(messages: pa.RecordBatch, batch: _Batch, expected: Expected) -> pa.Table:
    """Put the arrivals together."""
    is_masked, place = batch.is_masked, pa.array(batch.place)
    generator = np.where(is_masked, batch.found.generator, batch.numbers(lambda r: r.generator))
    seq = np.where(is_masked, batch.found.seq, batch.numbers(lambda r: r.seq))
    kind = batch.numbers(lambda each: KINDS.index(each.kind))
    named = kind == KINDS.index(Kind.CLAIMED)
    is_asked = named & _is_asked(generator, seq, expected.asked)
    kind[named & ~is_asked] = KINDS.index(Kind.PHANTOM)
    types = pa.array([_shown(each.content.event_type) for each in batch.reads], pa.string())
    defects = pa.array([each.content.defect for each in batch.reads], pa.string())
    digests = pa.array([each.content.digests for each in batch.reads], pa.list_(pa.int64()))
    columns = [
        *(messages[name] for name in ("partition", "offset", "timestamp_ms", "timestamp_type")),
        _key_hashes(messages["key"]),
        pa.DictionaryArray.from_arrays(pa.array(kind.astype(np.int32)), list(KINDS)),
        _claimed_ids(batch, kind == KINDS.index(Kind.PHANTOM)),
        pa.array(generator.astype(np.int32), mask=~is_asked),
        pa.array(seq, mask=~is_asked),
        types.dictionary_encode().take(place),
        digests.take(place),
        _value_hashes(messages["value"]),
        defects.dictionary_encode().take(place),
    ]
    return pa.Table.from_arrays(columns, schema=ARRIVALS)


def _claimed_ids(batch: _Batch, is_phantom: Flags) -> pa.Array:
    claimed = np.full(len(is_phantom), None, dtype=object)
    for row in map(int, np.flatnonzero(is_phantom)):
        claimed[row] = _shown(batch.identity(row))
    return pa.array(claimed, pa.string())


def _shown(text: str | None) -> str | None:
    return None if text is None else text[:_MAX_SHOWN]


def _key_hashes(keys: pa.Array) -> pa.Array:
    encoded = keys.dictionary_encode()
    hashes = pa.array([signed_hash(key) for key in encoded.dictionary.to_pylist()], pa.int64())
    return hashes.take(encoded.indices)


def _value_hashes(values: pa.Array) -> pa.Array:
    texts = values.fill_null(b"").to_numpy(zero_copy_only=False)
    hashes = map(xxhash.xxh64_intdigest, texts, itertools.repeat(SEED))
    return pa.array(np.fromiter(hashes, np.uint64, len(texts)).view(np.int64))


def _is_asked(generator: Integers, seq: Integers, asked: Mapping[int, int]) -> Flags:
    """Tell which ids are those that a generator has asked for or may have."""
    if not asked:
        return np.zeros(len(seq), np.bool_)
    numbers = np.array(sorted(asked), np.int64)
    bounds = np.array([asked[number] for number in sorted(asked)], np.int64)
    place = np.minimum(np.searchsorted(numbers, generator), len(numbers) - 1)
    is_asked: Flags = (numbers[place] == generator) & (seq < bounds[place])
    return is_asked


@dataclass(frozen=True, slots=True)
class Identities:
    """Ids of this run that stand in a batch's messages as plain text.

    `generator` and `seq` mean nothing where `is_there` is false; the spans are of their digits.
    """

    prefix: str
    texts: Texts
    is_there: Flags
    generator: Integers
    seq: Integers
    spans: tuple[Span, ...]

    def identity(self, row: int) -> str:
        """Write the id that stands in a message."""
        return f"{self.prefix}{self.generator[row]}.{self.seq[row]}"

    def masked(self, fields: Sequence[volatile_fields.Field]) -> _Masked:
        """Give the messages without the digits of their ids, and without the values of fields."""
        spans = [*self.spans, *volatile_fields.spans(self.texts, fields)]
        flags: Integers = np.array([span.is_one for span in spans], np.int64)
        what = (flags << np.arange(len(spans))[:, None]).sum(axis=0)
        return _Masked(self.texts.masked(spans).dictionary_encode(), what)


def identities(values: pa.Array, prefix: str, names: Sequence[str]) -> Identities:
    """Find the ids that begin with a prefix in messages, in the fields of these names.

    `values` are binary, none null.
    """
    texts = Texts.of(values)
    fields = [json.dumps(name, ensure_ascii=False) for name in names]
    at = texts.after(
        *(f'{field}:{space}"{prefix}'.encode() for field in fields for space in ("", " "))
    )
    generator = _number(texts, at)
    seq = _number(texts, np.where(texts.byte(generator.end) == _DOT, generator.end + 1, -1))
    is_there = generator.is_one & seq.is_one & (texts.byte(seq.end) == _QUOTE)
    spans = tuple(Span(is_there, each.start, each.end) for each in (generator, seq))
    values_of = [np.where(is_there, _value(texts, each), 0) for each in (generator, seq)]
    return Identities(prefix, texts, is_there, values_of[0], values_of[1], spans)


def _number(texts: Texts, start: Integers) -> Span:
    """Find a number as ids have it: without a sign or a zero before it, of at most 18 digits."""
    end = texts.run(start, _DIGITS, _MAX_DIGITS)
    is_padded = (end - start > 1) & (texts.byte(start) == _ZERO)
    return Span((start >= 0) & (end > start) & ~is_padded, start, end)


def _value(texts: Texts, number: Span) -> Integers:
    value = np.zeros(len(number.start), np.int64)
    for place in range(int((number.end - number.start).max(initial=0))):
        at = number.start + place
        digit = texts.byte(at).astype(np.int64) - _ZERO
        value = np.where(at < number.end, value * 10 + digit, value)
    return value
