"""Batch table: the messages of a batch as columns of kinds, ids, keys and digests."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import xxhash

from headcount.ledger.event_digest import SEED, signed_hash
from headcount_analysis.arrow_types import Flags, Integers
from headcount_analysis.batches.batch_ids import BatchIds
from headcount_analysis.batches.expected import Expected
from headcount_analysis.messages.kinds import ARRIVALS, KINDS, MessageKind

_MAX_SHOWN = 200  # an id or event type may be hostile: no more characters are kept


@dataclass(frozen=True, slots=True)
class ReadContent:
    """The content of a message; `digests` has a digest for each shape whose fields are all there.

    A message with a `defect` has nothing else.
    """

    defect: str | None = None
    identity: str | None = None
    event_type: str | None = None
    digests: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadMessage:
    """The content of a text, and its kind; whether its id was requested is checked later.

    `generator` and `seq` are -1 if the text has no id of the run, or if its id is masked (see
    `content.py`).
    """

    content: ReadContent
    kind: MessageKind
    generator: int = -1
    seq: int = -1


@dataclass(frozen=True, slots=True)
class Batch:
    """The content of a batch: `place` maps each message to its index in `reads`.

    Where `is_masked` is true, the message's text was read with its id masked; the id is in `ids`.
    """

    ids: BatchIds
    reads: Sequence[ReadMessage]
    place: Integers
    is_masked: Flags

    def numbers(self, number: Callable[[ReadMessage], int]) -> Integers:
        """Return a number for each message, which `number` takes from what was read of it."""
        by_message = np.array([number(message) for message in self.reads], np.int64)
        numbers: Integers = by_message[self.place]
        return numbers

    def identity(self, row: int) -> str:
        """Format the id of a message that has one."""
        if self.is_masked[row]:
            return self.ids.identity(row)
        return self.reads[self.place[row]].content.identity or ""


def batch_table(messages: pa.RecordBatch, batch: Batch, expected: Expected) -> pa.Table:
    """Make the rows of ARRIVALS of a batch."""
    is_masked, place = batch.is_masked, pa.array(batch.place)
    generator = np.where(is_masked, batch.ids.generator, batch.numbers(lambda r: r.generator))
    seq = np.where(is_masked, batch.ids.seq, batch.numbers(lambda r: r.seq))
    kind = batch.numbers(lambda message: KINDS.index(message.kind))
    named = kind == KINDS.index(MessageKind.CLAIMED)
    is_asked = named & _is_asked(generator, seq, expected.asked)
    kind[named & ~is_asked] = KINDS.index(MessageKind.PHANTOM)
    types = pa.array([_shown(message.content.event_type) for message in batch.reads], pa.string())
    defects = pa.array([message.content.defect for message in batch.reads], pa.string())
    digests = pa.array([message.content.digests for message in batch.reads], pa.list_(pa.int64()))
    columns = [
        *(messages[name] for name in ("partition", "offset", "timestamp_ms", "timestamp_type")),
        _key_hashes(messages["key"]),
        pa.DictionaryArray.from_arrays(pa.array(kind.astype(np.int32)), list(KINDS)),
        _claimed_ids(batch, kind == KINDS.index(MessageKind.PHANTOM)),
        pa.array(generator.astype(np.int32), mask=~is_asked),
        pa.array(seq, mask=~is_asked),
        types.dictionary_encode().take(place),
        digests.take(place),
        _value_hashes(messages["value"]),
        defects.dictionary_encode().take(place),
    ]
    return pa.Table.from_arrays(columns, schema=ARRIVALS)


def _claimed_ids(batch: Batch, is_phantom: Flags) -> pa.Array:
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
    """Mark the ids that a generator has requested, or may have."""
    if not asked:
        return np.zeros(len(seq), np.bool_)
    numbers = np.array(sorted(asked), np.int64)
    bounds = np.array([asked[number] for number in sorted(asked)], np.int64)
    place = np.minimum(np.searchsorted(numbers, generator), len(numbers) - 1)
    is_asked: Flags = (numbers[place] == generator) & (seq < bounds[place])
    return is_asked
