"""Batch ids: finds the ids of all messages of a batch at once, by searching their bytes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headcount.run.id_form import RunIds
from headcount_analysis.arrow_types import Flags, Integers
from headcount_analysis.batches.id_columns import IdsAt, ids_at
from headcount_analysis.field_spans.byte_rows import ByteRows, ByteSpan
from headcount_analysis.id_places.id_place import IdColumn

_QUOTE = ord('"')


@dataclass(frozen=True, slots=True)
class Masked:
    """Messages as dictionary-encoded texts, and a bit in `what` for each span masked in them.

    `volatile` are the spans that are not ids.
    """

    texts: pa.DictionaryArray
    what: Integers
    volatile: tuple[ByteSpan, ...]


@dataclass(frozen=True, slots=True)
class BatchIds:
    """The ids of a run that belong to a batch's messages, as far as they are plain text.

    `generator` and `seq` are undefined if `is_there` is false; `texts` are the messages' values,
    and `spans` the digits of the ids in them. `is_without` marks the messages that certainly have
    no id of the run, which can be known only if the place of ids is beside the value.
    """

    ids: RunIds
    texts: ByteRows
    is_there: Flags
    generator: Integers
    seq: Integers
    spans: tuple[ByteSpan, ...]
    is_without: Flags

    def identity(self, row: int) -> str:
        """Format the id of a message."""
        return self.ids.text(int(self.generator[row]), int(self.seq[row]))

    def masked(self, volatile: Sequence[ByteSpan]) -> Masked:
        """Mask the digits of the ids, and other spans of the messages."""
        spans = [*self.spans, *volatile]
        if not spans:
            what = np.zeros(len(self.seq), np.int64)
            return Masked(self.texts.values.dictionary_encode(), what, tuple(volatile))
        flags: Integers = np.array([span.is_one for span in spans], np.int64)
        what = (flags << np.arange(len(spans))[:, None]).sum(axis=0)
        return Masked(self.texts.masked(spans).dictionary_encode(), what, tuple(volatile))


def ids_in_fields(values: pa.Array, ids: RunIds, names: Sequence[str]) -> BatchIds:
    """Find a run's ids in the named fields of messages in JSON. `values` are binary, none null."""
    texts = ByteRows.of(values)
    fields = [json.dumps(name, ensure_ascii=False) for name in names]
    at = texts.after(
        *(f'{field}:{space}"{ids.prefix}'.encode() for field in fields for space in ("", " "))
    )
    read_ids = ids_at(texts, at, ids)
    is_there = read_ids.is_one & (texts.byte(read_ids.end) == _QUOTE)
    return _in_values(texts, ids, is_there, read_ids)


def ids_anywhere(values: pa.Array, ids: RunIds, length_shift: int) -> BatchIds:
    """Find a run's ids anywhere in messages of any format. `values` are binary, none null.

    The byte before a text is its length, shifted left by `length_shift` bits. An id is used only if
    the text that begins with it contains nothing else.
    """
    texts = ByteRows.of(values)
    at = texts.after(ids.prefix.encode())
    start = at - len(ids.prefix)
    length = texts.byte(np.where(at >= 0, start - 1, -1)) >> np.uint8(length_shift)
    read_ids = ids_at(texts, at, ids, start + length)
    is_whole = read_ids.is_one & (read_ids.end == start + length)
    return _in_values(texts, ids, is_whole, read_ids)


def ids_in_column(values: pa.Array, ids: RunIds, column: IdColumn) -> BatchIds:
    """Read a run's ids from a column of texts beside the values. `values` are binary, none null."""
    rows = ByteRows.of(column.texts.fill_null(b""))
    start, prefix = rows.bounds[:-1].astype(np.int64), ids.prefix.encode()
    begins = pc.starts_with(rows.values, prefix).to_numpy(zero_copy_only=False)
    read_ids = ids_at(rows, np.where(begins, start + len(prefix), -1), ids)
    is_there = read_ids.is_one & (read_ids.end == rows.ends) & column.is_sure
    tag = prefix.removesuffix(b"-8")
    claims = pc.starts_with(rows.values, tag, ignore_case=True).to_numpy(zero_copy_only=False)
    return BatchIds(
        ids,
        ByteRows.of(values),
        is_there,
        read_ids.generator,
        read_ids.seq,
        spans=(),
        is_without=column.is_sure & ~claims,
    )


def _in_values(texts: ByteRows, ids: RunIds, is_there: Flags, read_ids: IdsAt) -> BatchIds:
    spans = tuple(ByteSpan(is_there, span.start, span.end) for span in read_ids.spans)
    numbers = [np.where(is_there, number, 0) for number in (read_ids.generator, read_ids.seq)]
    is_without = np.zeros(len(is_there), np.bool_)
    return BatchIds(ids, texts, is_there, numbers[0], numbers[1], spans, is_without)


def no_ids(values: pa.Array, ids: RunIds) -> BatchIds:
    """Leave all ids to the reader of single messages. `values` are binary, none null."""
    nowhere = np.zeros(len(values), np.int64)
    is_there = np.zeros(len(values), np.bool_)
    return BatchIds(ids, ByteRows.of(values), is_there, nowhere, nowhere, (), is_there)
