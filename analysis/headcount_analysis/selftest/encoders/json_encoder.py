"""JSON: one object, which contains the event or has the event's fields itself."""

from headcount.json_pointer import steps_of
from headcount.run.message_format import FormatSettings
from headcount_analysis.selftest.encoders.encoder import (
    SERVICE_HEADERS,
    Document,
    Encoded,
    TextEncoder,
    json_bytes,
    placed,
)


class JsonEncoder(TextEncoder):
    """Writes JSON."""

    def __init__(self, settings: FormatSettings) -> None:
        self._steps = steps_of(settings.compare_at)

    def document(self, event: Document, variant: int) -> Document:  # noqa: ARG002 - no variants
        """Put an event at the place that is compared."""
        return placed(SERVICE_HEADERS, self._steps, event)

    def encoded(self, document: Document, variant: int) -> Encoded:  # noqa: ARG002 - no variants
        """Write a document."""
        return Encoded(json_bytes(document))
