"""Variants: a message with other bytes where it is masked.

Messages with the same masked text share what is read from one of them. That is right only if
nothing but the id depends on the masked bytes. Where the format does not guarantee that, a variant
of the message is read as a test: it must have the same content, and the id that was put into it.
"""

from dataclasses import dataclass, replace

from headcount.run.id_form import IdForm, RunIds
from headcount_analysis.batches.batch_table import ReadContent
from headcount_analysis.batches.single_reader import SingleReader
from headcount_analysis.messages.record import Record


@dataclass(frozen=True, slots=True)
class MessageVariant:
    """A record with other bytes where its text is masked, and its new id, if the id is masked."""

    record: Record
    identity: str | None


def variant_of(
    record: Record, altered: bytes | None, identity: str | None, ids: RunIds
) -> MessageVariant:
    """Make a variant, with the altered value and another id in place of `identity`, if any."""
    value, other = altered, None
    if identity is not None:
        other = _other_id(identity, ids)
        value = (value or b"").replace(identity.encode(), other.encode())
    return MessageVariant(replace(record, value=value), other)


def is_same(reader: SingleReader, content: ReadContent, variant: MessageVariant) -> bool:
    """Whether a message's variant has the same content, except for the id put into it."""
    parsed = reader.decoded(variant.record)
    read = reader.content(parsed, variant.record, reader.shapes_of(content.identity))
    identity = content.identity if variant.identity is None else variant.identity
    return read == replace(content, identity=identity)


def _other_id(identity: str, ids: RunIds) -> str:
    """Write another id of the run, of the same length."""
    event_id = ids.parse(identity)
    assert event_id is not None
    generator, seq = event_id.generator, event_id.seq
    if ids.form is not IdForm.PLAIN:
        return ids.text(generator, seq ^ 1)
    digits = len(str(seq))
    other = int("1" * digits)
    return ids.text(generator, other if other != seq else int("2" * digits))
