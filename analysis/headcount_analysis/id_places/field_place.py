"""A top-level field of the event; one named after the request header may have any spelling."""

from dataclasses import dataclass

from headcount.run.id_location import id_names, is_spelling
from headcount_analysis.id_places.id_place import SeenId
from headcount_analysis.messages.json_message import ParsedMessage
from headcount_analysis.messages.record import Record


@dataclass(frozen=True, slots=True)
class FieldPlace:
    """The field `name`; if it is a spelling of `id_header`, any other spelling is accepted, too."""

    name: str
    id_header: str
    needs_headers: bool = False

    @property
    def has_spellings(self) -> bool:
        """Whether the field may have other names."""
        return is_spelling(self.name, self.id_header)

    def names_in(self, message: ParsedMessage) -> tuple[str, ...]:
        """Return the fields of a message's event that hold the id."""
        return id_names(tuple(message.event or ()), self.name, self.id_header)

    def seen(self, message: ParsedMessage, _record: Record) -> SeenId:
        """Return the field's text; several spellings must agree."""
        event = message.event or {}
        names = self.names_in(message)
        if len(names) == 1 and not message.repeated_fields:
            return _seen(event[names[0]])
        values = [event[name] for name in names]
        if any(name in names for name in message.repeated_fields):
            return SeenId(defect=f"the field {names[0]} occurs twice")
        if any(value != values[0] for value in values[1:]):
            return SeenId(defect=f"the fields {' and '.join(names)} differ")
        return _seen(values[0] if values else None)


def _seen(value: object) -> SeenId:
    return SeenId(value if isinstance(value, str) else None)
