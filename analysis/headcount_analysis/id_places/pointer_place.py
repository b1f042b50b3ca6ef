"""A value anywhere in the decoded message, by JSON pointer (RFC 6901)."""

from collections.abc import Mapping
from dataclasses import dataclass

from headcount.json_pointer import value_at
from headcount.run.id_location import IdLocation, is_spelling
from headcount_analysis.id_places.id_place import SeenId
from headcount_analysis.messages.json_message import ParsedMessage
from headcount_analysis.messages.record import Record


@dataclass(frozen=True, slots=True)
class PointerPlace:
    """The value at a pointer, whose last step may be a spelling of the request header's name."""

    location: IdLocation
    id_header: str
    needs_headers: bool = False

    @property
    def has_spellings(self) -> bool:
        """Whether the last field may have other names."""
        return is_spelling(self.location.path[-1], self.id_header)

    def names_in(self, message: ParsedMessage) -> tuple[str, ...]:
        """Return the names of the fields that hold the id, as the message spells them."""
        return self._names(self._holder(message), self.location.path[-1])

    def seen(self, message: ParsedMessage, _record: Record) -> SeenId:
        """Return the text at the pointer."""
        *steps, last = self.location.path
        value = self._holder(message)
        names = self._names(value, last)
        if not names:
            return SeenId()
        if {*steps, *names} & set(message.repeated):
            return SeenId(defect=f"a field of {self.location.name} occurs twice")
        values = [value_at(value, [name]) for name in names]
        if any(other != values[0] for other in values[1:]):
            return SeenId(defect=f"the fields {' and '.join(names)} differ")
        return SeenId(values[0] if isinstance(values[0], str) else None)

    def _holder(self, message: ParsedMessage) -> object:
        """Return the object or list that holds the id."""
        return value_at(message.whole, self.location.path[:-1])

    def _names(self, value: object, last: str) -> tuple[str, ...]:
        if isinstance(value, Mapping) and self.has_spellings:
            return tuple(name for name in value if is_spelling(name, self.id_header))
        return (last,)
