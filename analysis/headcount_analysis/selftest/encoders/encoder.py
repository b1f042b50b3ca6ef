"""The interface of encoders: from an event to a document, and from a document to bytes.

A document is what the format's decoder must make of a message. If the run's ids are at a JSON
pointer, the id is put into the document before that is encoded.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from headcount_analysis.messages.kinds import MessageKind
from headcount_analysis.messages.record import Headers
from headcount_analysis.selftest.alterations import ALTERATIONS, REPEATED, Alteration

Document = Mapping[str, object]

Break = Callable[[bytes], bytes]
"""A way to make a message unreadable."""

NOISE = "HEADCOUNT-NOISE"
"""Stands for a text that is different in every message."""

SERVICE_HEADERS = {"Host": "127.0.0.1:8000", "User-Agent": "python/gevent-http-client"}

BREAKS: Sequence[Break] = (
    lambda value: value[:-1],
    lambda value: value.replace(b"event_type", b"event\xfftype"),
    lambda value: b"[" + value + b"]",
    lambda value: value + value,
    lambda value: value.replace(b"{", b"{'a':1,", 1),
)
"""Ways to break JSON: truncated, not UTF-8, an array, two in one message, wrong quotes."""


class Encoded(NamedTuple):
    """A message's value, and the record headers that go with it."""

    value: bytes
    headers: Headers = ()


class Encoder(Protocol):
    """Writes messages in one format."""

    @property
    def is_text(self) -> bool:
        """Whether a text is written into a value as it is, without its length before it."""

    @property
    def variants(self) -> int:
        """How many ways there are to write a message."""

    @property
    def alterations(self) -> Sequence[Alteration]:
        """Alterations of an event after which it is still a message of this format."""

    @property
    def breaks(self) -> Sequence[Break]:
        """Ways to make a message unreadable; none if any bytes are a message."""

    @property
    def compares_content(self) -> bool:
        """Whether the format's messages have content that is compared."""

    @property
    def tombstone(self) -> MessageKind:
        """The kind of a message that has neither a value nor headers."""

    @property
    def tombstone_has_own_key(self) -> bool:
        """Whether a message that has only the key of an event is of the kind `tombstone`, too."""

    def document(self, event: Document, variant: int) -> Document:
        """Put an event where it is compared."""

    def encoded(self, document: Document, variant: int) -> Encoded:
        """Write a document."""


class TextEncoder:
    """What encoders of JSON without a frame have in common."""

    is_text = True
    variants = 1
    alterations: Sequence[Alteration] = (*ALTERATIONS, REPEATED)
    breaks = BREAKS
    compares_content = True
    tombstone = MessageKind.MALFORMED
    tombstone_has_own_key = False


def json_bytes(document: object) -> bytes:
    """Write JSON in few bytes."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def placed(document: Document, steps: Sequence[str], value: object) -> Document:
    """Return a document with a value where the steps of a JSON pointer lead.

    Objects that are missing on the way are added. Without steps, the fields of the value are added.
    """
    if not steps:
        assert isinstance(value, Mapping)
        return {**document, **value}
    first, *rest = steps
    inner = document.get(first)
    if rest:
        value = placed(inner if isinstance(inner, Mapping) else {}, rest, value)
    # The field comes first, so that it is still whole in a message that is cut off.
    return {first: value, **{name: other for name, other in document.items() if name != first}}
