"""Variants: a message with other bytes where it is masked.

Messages with the same masked text share what is read from one of them. That is right only if
nothing but the id depends on the masked bytes. Where it does not follow from the format, it is
tried: a variant of the message must be read as the same content, and as the id put into it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from headcount.run.id_form import IdForm, RunIds
from headcount_analysis.batches import volatile_fields
from headcount_analysis.batches.batch_table import ReadContent
from headcount_analysis.batches.byte_rows import ByteRows
from headcount_analysis.batches.single_reader import SingleReader
from headcount_analysis.messages.record import Record

_ONE, _TWO = b"12"


@dataclass(frozen=True, slots=True)
class MessageVariant:
    """A record with other bytes where its text is masked, and the id in it, if it is masked."""

    record: Record
    identity: str | None


def variant_of(
    record: Record, identity: str | None, ids: RunIds, fields: Sequence[volatile_fields.Field]
) -> MessageVariant:
    """Replace the id, if it stands in the value, and the values of some fields."""
    value, other = record.value or b"", None
    if identity is not None:
        other = _other_id(identity, ids)
        value = value.replace(identity.encode(), other.encode())
    return MessageVariant(replace(record, value=_with_other_values(value, fields)), other)


def is_same(reader: SingleReader, content: ReadContent, variant: MessageVariant) -> bool:
    """Whether a variant of the message with this content differs from it in its id alone."""
    parsed = reader.decoded(variant.record)
    read = reader.content(parsed, variant.record, reader.shapes_of(content.identity))
    identity = content.identity if variant.identity is None else variant.identity
    return read == replace(content, identity=identity)


def _other_id(identity: str, ids: RunIds) -> str:
    """Write another id of the run that is as long."""
    event_id = ids.parse(identity)
    assert event_id is not None
    generator, seq = event_id.generator, event_id.seq
    if ids.form is not IdForm.PLAIN:
        return ids.text(generator, seq ^ 1)
    digits = len(str(seq))
    other = int("1" * digits)
    return ids.text(generator, other if other != seq else int("2" * digits))


def _with_other_values(value: bytes, fields: Sequence[volatile_fields.Field]) -> bytes:
    """Replace each byte of the fields' values by a digit that is another byte."""
    rows, changed = ByteRows.of(pa.array([value], pa.binary())), np.frombuffer(value, np.uint8)
    changed = changed.copy()
    for span in volatile_fields.spans(rows, fields):
        if span.is_one[0]:
            part = changed[span.start[0] : span.end[0]]
            part[:] = np.where(part == _ONE, _TWO, _ONE)
    return changed.tobytes()
