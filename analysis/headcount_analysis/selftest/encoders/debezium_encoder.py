"""Debezium: changes of rows, and of an outbox table whose payload is escaped text."""

from headcount.json_pointer import steps_of
from headcount.run.message_format import FormatSettings
from headcount_analysis.messages.kinds import MessageKind
from headcount_analysis.selftest.encoders.encoder import (
    NOISE,
    Document,
    Encoded,
    TextEncoder,
    json_bytes,
    placed,
)

_OUTBOX = 1
_AFTER, _PAYLOAD = "after", "payload"


class DebeziumEncoder(TextEncoder):
    """Writes changes of plain rows and, if no pointer is given, of rows of an outbox table.

    A pointer to the event in a plain row does not lead to the event in a row of the outbox.
    """

    tombstone = MessageKind.FOREIGN
    tombstone_has_own_key = True

    def __init__(self, settings: FormatSettings, *, has_outbox: bool) -> None:
        self._steps = steps_of(settings.compare_at or f"/{_AFTER}")
        self.variants = 2 if has_outbox and not settings.compare_at else 1

    def document(self, event: Document, variant: int) -> Document:
        """Put an event into a row, or into the payload of a row of the outbox."""
        envelope: Document = {
            "op": "c",
            "before": None,
            "source": {"connector": "postgresql", "lsn": NOISE},
        }
        if variant != _OUTBOX:
            return placed(envelope, self._steps, event)
        row = {
            "id": NOISE,
            "aggregatetype": "player",
            "aggregateid": "7",
            "type": str(event.get("event_type", "none")),
            _PAYLOAD: event,
        }
        return {**envelope, _AFTER: row}

    def encoded(self, document: Document, variant: int) -> Encoded:
        """Write a document."""
        if variant != _OUTBOX:
            return Encoded(json_bytes(document))
        row = document[_AFTER]
        assert isinstance(row, dict)
        text = json_bytes(row[_PAYLOAD]).decode()
        return Encoded(json_bytes({**document, _AFTER: {**row, _PAYLOAD: text}}))
