"""Raw: bytes that mean nothing to the verifier."""

from headcount_analysis.messages.kinds import MessageKind
from headcount_analysis.selftest.alterations import OTHER_VALUE
from headcount_analysis.selftest.encoders.encoder import (
    NOISE,
    Document,
    Encoded,
    TextEncoder,
    json_bytes,
)

_MAGIC = b"\xc1\xff"


class RawEncoder(TextEncoder):
    """Writes bytes that are not JSON; none of them can be malformed."""

    alterations = (OTHER_VALUE,)
    breaks = ()
    compares_content = False
    tombstone = MessageKind.FOREIGN

    def document(self, event: Document, variant: int) -> Document:  # noqa: ARG002 - no variants
        """Return the event."""
        return {"noise": NOISE, **event}

    def encoded(self, document: Document, variant: int) -> Encoded:  # noqa: ARG002 - no variants
        """Write a document."""
        return Encoded(_MAGIC + json_bytes(document))
