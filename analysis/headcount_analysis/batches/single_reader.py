"""The single reader: reads one message by itself, from its record to its kind and its digests."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from headcount.ledger.event_digest import digests_over
from headcount_analysis.batches.batch_table import ReadContent, ReadMessage
from headcount_analysis.batches.expected import Expected
from headcount_analysis.id_places.id_place import IdPlace, seen_at
from headcount_analysis.ledger.asked_shapes import ShapeTable
from headcount_analysis.messages.json_message import ParsedMessage, type_text
from headcount_analysis.messages.kinds import EVENT_TYPE_FIELD, MessageKind
from headcount_analysis.messages.record import Record

_MOST_SCHEMAS = 20


@dataclass(slots=True)
class SingleReader:
    """Reads messages one by one; `shapes` has the shape of each attempt if there are very many."""

    expected: Expected
    place: IdPlace
    shapes: ShapeTable | None = None
    _schemas: set[str] = field(default_factory=set)

    def read(self, record: Record) -> ReadMessage:
        """Read a message by itself."""
        return self.classified(self.decoded(record), record)

    def decoded(self, record: Record) -> ParsedMessage:
        """Decode a record. EvidenceError if no record can be judged."""
        return self.expected.message_format.decode(record)

    def classified(self, parsed: ParsedMessage, record: Record) -> ReadMessage:
        """Read the content of a decoded message, and decide on its kind."""
        content = self.content(parsed, record)
        ids, identity = self.expected.ids, content.identity
        if content.defect is not None:
            return self.defective(content, record)
        event_id = None if identity is None else ids.parse(identity)
        if event_id is not None:
            return ReadMessage(content, MessageKind.CLAIMED, event_id.generator, event_id.seq)
        is_phantom = identity is not None and ids.claims(identity)
        return ReadMessage(content, MessageKind.PHANTOM if is_phantom else MessageKind.FOREIGN)

    def defective(self, content: ReadContent, record: Record) -> ReadMessage:
        """Decide on the kind of a message with a defect: garbled if it has an id of the run."""
        ids, location = self.expected.ids, self.expected.location
        parts = [record.value]
        if not location.is_in_value:
            parts += [record.key, *(value for _, value in record.headers)]
        is_garbled = any(map(ids.is_in, parts))
        content = ReadContent(defect=self._bounded(content.defect or ""))
        return ReadMessage(content, MessageKind.GARBLED if is_garbled else MessageKind.MALFORMED)

    def content(
        self, parsed: ParsedMessage, record: Record, shapes: Sequence[str] | None = None
    ) -> ReadContent:
        """Read a message's id and event type, and its digest over each shape that it can have.

        A message with a repeated key has no digest, because it never matches the request. Without
        `shapes`, those that `shapes_of` returns for its id are used.
        """
        event = parsed.event
        if event is None:
            return ReadContent(parsed.defect)
        seen = seen_at(self.place, parsed, record)
        if seen.defect is not None:
            return ReadContent(seen.defect)
        compared = self.shapes_of(seen.text) if shapes is None else shapes
        return ReadContent(
            identity=seen.text,
            event_type=parsed.event_type or type_text(event.get(EVENT_TYPE_FIELD)),
            digests=tuple(digests_over(event, () if parsed.repeated else compared)),
        )

    def shapes_of(self, identity: str | None) -> Sequence[str]:
        """Return the shapes that the event with this id can have."""
        if self.shapes is None:
            return self.expected.shapes
        event_id = None if identity is None else self.expected.ids.parse(identity)
        return () if event_id is None else self.shapes.of(event_id.generator, event_id.seq)

    def _bounded(self, defect: str) -> str:
        """Keep a defect's schema number only for the first _MOST_SCHEMAS schemas with defects."""
        name, _, schema = defect.partition(", schema ")
        if schema and len(self._schemas) < _MOST_SCHEMAS:
            self._schemas.add(schema)
        return name if schema and schema not in self._schemas else defect
