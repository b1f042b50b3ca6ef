"""Content: what the messages of a batch say of themselves, from their bytes to kind and digests.

Load tests publish the same few things over and over, each with an id of its own. So the digits of
this run's ids are masked where they stand as plain text, and so are fields that nobody asked for
and that are always new (see `noise.py`); each of the texts that are left is read once, and all
messages that had it share what was read. That is only done where nothing that is read can depend on
what is masked: the text has no escapes, the id stands in it once, and the JSON object's id is the
one that stands there. Every other message is read by itself.
"""

import itertools
import re
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import pyarrow as pa
import xxhash

from analysis import noise
from analysis.arrays import TEXTS, Flags, Integers
from analysis.message import Content, Object, parse, read
from analysis.texts import Characters, Span, Texts
from headcount import ids
from headcount.digest import SEED, signed_hash
from headcount.errors import EvidenceError

FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}", re.ASCII)
MAX_SHAPES = 256
EVENT_TYPE_FIELD = "event_type"

_MAX_SHOWN = 200  # characters of a hostile id or event type that are kept
_MAX_DIGITS = 18  # of an id's number, see `headcount/ids.py`
_DIGITS = Characters.of(string.digits)
_ZERO, _DOT, _QUOTE = ord("0"), ord("."), ord('"')
_MOST_REMEMBERED_BYTES = 64 << 20
_NOISY, _FEW_TEXTS = 0.2, 50
_MOST_LOOKS, _LOOKED_AT = 8, 64
_BYTES_BESIDE = 1000  # about what is remembered of a text besides itself


class Kind(StrEnum):
    """What a message turned out to be."""

    CLAIMED = "claimed"
    """Its id is of this run, and a generator has asked for it or may have."""
    PHANTOM = "phantom"
    FOREIGN = "foreign"
    MALFORMED = "malformed"
    GARBLED = "garbled"
    """It cannot be parsed either, and an id of this run stands in its bytes."""


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
    ]
)
"""A row for each message. `key_hash` is null without a key; `claimed_id` is a phantom's, and
`generator` and `seq` are those of a claimed one. `digests` are over the shapes that it can have.
`value_hash` tells apart the bytes of messages."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What is looked for in the messages.

    `asked` says for each generator how many sequence numbers, from 0, it may have used; `shapes`
    are the sets of fields that are compared.
    """

    tag: str
    event_id_field: str
    asked: Mapping[int, int]
    shapes: Sequence[str]

    def __post_init__(self) -> None:
        """Refuse what cannot be compared. EvidenceError names it."""
        names = {name for shape in self.shapes for name in shape.split(",") if name}
        for name in (self.event_id_field, *sorted(names)):
            if FIELD_NAME.fullmatch(name) is None:
                raise EvidenceError(f"the ledger has a field name that cannot be: {name!r}")
        if len(self.shapes) > MAX_SHAPES:
            raise EvidenceError(
                f"the ledger has {len(self.shapes)} shapes of events, over {MAX_SHAPES}: "
                "ask for the same fields each time"
            )

    @property
    def names_read(self) -> frozenset[str]:
        """The fields that are looked at."""
        asked = {name for shape in self.shapes for name in shape.split(",")}
        return frozenset({*asked, self.event_id_field, EVENT_TYPE_FIELD})

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


@dataclass(slots=True)
class Reader:
    """Reads batch after batch, and remembers what it has read."""

    expected: Expected
    _known: dict[tuple[bytes, int], _Read | None] = field(default_factory=dict)
    _known_bytes: int = 0
    _noise: tuple[noise.Field, ...] = ()
    _looks: int = 0

    def arrivals(self, messages: pa.RecordBatch) -> pa.Table:
        """Give a row of ARRIVALS for each message.

        Args:
            messages: As `topic.MESSAGES` has them.
        """
        values = messages["value"].fill_null(b"")
        found = identities(values, self.expected)
        masked = self._masked_messages(found)
        texts, place = masked.texts.dictionary.to_pylist(), masked.texts.indices.to_numpy().copy()
        first, what = _first_rows(place, len(texts)), masked.what
        known = [
            self._text((text, int(what[row])), values, int(row), found)
            for text, row in zip(texts, first, strict=True)
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

    def _text(
        self, key: tuple[bytes, int], values: pa.Array, row: int, found: "Identities"
    ) -> _Read | None:
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
        events = [event for value in some if (event := parse(value)) is not None]
        known = {*self.expected.names_read, *(each.name for each in self._noise)}
        more = noise.differing(events, known)
        if not more:
            return masked
        self._noise = (*self._noise, *more)[: noise.MOST_FIELDS]
        self._forget()
        return found.masked(self._noise)

    def _forget(self) -> None:
        self._known.clear()
        self._known_bytes = 0

    def _masked(self, value: bytes, text: bytes, identity: str) -> _Read | None:
        """Read one message for all that differ from it in what is masked alone."""
        event, prefix = parse(value), self.expected.prefix.encode()
        # The id's own place keeps its beginning in the masked text; another would be a second one.
        if not self._is_apart(value, event) or text.count(prefix) != 1:
            return None
        content = self._content(event)
        return _Read(content, Kind.CLAIMED) if content.identity == identity else None

    def _unmasked(self, value: bytes) -> _Read | None:
        """Read one message, that has no id in plain text, for all that are like it."""
        event = parse(value)
        if self._noise and not self._is_apart(value, event):
            return None
        return self._read(value, event)

    def _is_apart(self, value: bytes, event: Object | None) -> bool:
        return event is not None and noise.is_apart(value, event, self._noise)

    def _read(self, value: bytes, event: Object | None) -> _Read:
        """Read a message, whose object is `event`, by itself."""
        content = self._content(event)
        prefix, identity = self.expected.prefix, content.identity
        if not content.is_object:
            is_garbled = prefix.encode() in value
            return _Read(content, Kind.GARBLED if is_garbled else Kind.MALFORMED)
        if identity is None or not identity.startswith(prefix):
            return _Read(content, Kind.FOREIGN)
        told = ids.parse(identity)
        if told is None:
            return _Read(content, Kind.PHANTOM)
        return _Read(content, Kind.CLAIMED, told.generator, told.seq)

    def _content(self, event: Object | None) -> Content:
        expected = self.expected
        return read(event, expected.event_id_field, EVENT_TYPE_FIELD, expected.shapes)


_NOTHING = _Read(Content(), Kind.MALFORMED)


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

    def masked(self, fields: Sequence[noise.Field]) -> _Masked:
        """Give the messages without the digits of their ids, and without the values of fields."""
        spans = [*self.spans, *noise.spans(self.texts, fields)]
        flags: Integers = np.array([span.is_one for span in spans], np.int64)
        what = (flags << np.arange(len(spans))[:, None]).sum(axis=0)
        return _Masked(self.texts.masked(spans).dictionary_encode(), what)


def identities(values: pa.Array, expected: Expected) -> Identities:
    """Find the ids of a run in messages; `values` are binary, none null."""
    texts = Texts.of(values)
    field, prefix = expected.event_id_field, expected.prefix
    at = texts.after(*(f'"{field}":{space}"{prefix}'.encode() for space in ("", " ")))
    generator = _number(texts, at)
    seq = _number(texts, np.where(texts.byte(generator.end) == _DOT, generator.end + 1, -1))
    is_there = generator.is_one & seq.is_one & (texts.byte(seq.end) == _QUOTE)
    # A field that is compared must be read as it is in each message.
    is_there &= not any(field in shape.split(",") for shape in expected.shapes)
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
