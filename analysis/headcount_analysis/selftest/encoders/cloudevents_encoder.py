"""CloudEvents: half of the messages in structured mode, half in binary mode."""

from collections.abc import Mapping

from headcount.json_pointer import steps_of
from headcount.run.message_format import FormatSettings
from headcount_analysis.selftest.encoders.encoder import (
    NOISE,
    Document,
    Encoded,
    TextEncoder,
    json_bytes,
    placed,
)

_BINARY = 1
_STRUCTURED_TYPE, _JSON_TYPE = b"application/cloudevents+json; charset=utf-8", b"application/json"


class CloudEventsEncoder(TextEncoder):
    """Writes CloudEvents: in both modes if the event is within `data`, else in structured mode."""

    variants = 2

    def __init__(self, settings: FormatSettings) -> None:
        self._steps = steps_of(settings.compare_at or "/data")
        # Binary mode has no place for objects other than the data.
        self.variants = 2 if self._steps[0] == "data" else 1

    def document(self, event: Document, variant: int) -> Document:  # noqa: ARG002 - the same in both
        """Put an event at the place that is compared."""
        envelope = {
            "specversion": "1.0",
            "id": NOISE,
            "source": "/game",
            "type": str(event.get("event_type", "none")),
        }
        return placed(envelope, self._steps, event)

    def encoded(self, document: Document, variant: int) -> Encoded:
        """Write a document in one of the modes."""
        if variant != _BINARY:
            return Encoded(json_bytes(document), (("content-type", _STRUCTURED_TYPE),))
        attributes = {name: value for name, value in document.items() if name != "data"}
        assert not any(isinstance(value, Mapping) for value in attributes.values())
        headers = [(f"ce_{name}", str(value).encode()) for name, value in attributes.items()]
        return Encoded(json_bytes(document["data"]), (*headers, ("content-type", _JSON_TYPE)))
