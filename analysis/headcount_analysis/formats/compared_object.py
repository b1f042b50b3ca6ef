"""The compared object: the part of a decoded message that is compared with the request."""

from collections.abc import Mapping
from dataclasses import dataclass

from headcount.json_pointer import ABSENT, steps_of, value_at
from headcount.run.message_format import parse_compare_at
from headcount_analysis.messages.json_message import Object, ParsedMessage, parse
from headcount_analysis.messages.kinds import EVENT_TYPE_FIELD


@dataclass(frozen=True, slots=True)
class ComparedPlace:
    """A place in a decoded message, as a JSON pointer (RFC 6901) and its steps."""

    pointer: str
    steps: tuple[str, ...]

    def within(self, parsed: ParsedMessage) -> ParsedMessage:
        """Return a message with the object at this place as its event.

        A text there is parsed as JSON, since services write objects as escaped text. `repeated`
        keys count as the event's own if it has fields of that name.
        """
        root = parsed.event if parsed.root is None else parsed.root
        if root is None or not self.steps:
            return parsed
        value = value_at(root, self.steps)
        if value is ABSENT:
            return ParsedMessage(defect=f"nothing at {self.pointer}")
        event, repeated = _object(value)
        if event is None:
            return ParsedMessage(defect=f"no object at {self.pointer}")
        repeated = (*parsed.repeated, *repeated)
        type_ = parsed.event_type or root.get(EVENT_TYPE_FIELD)
        return ParsedMessage(
            event,
            repeated=repeated,
            repeated_fields=tuple(name for name in repeated if name in event),
            root=root,
            event_type=type_ if isinstance(type_, str) else None,
        )


def compared_place(pointer: str) -> ComparedPlace:
    """Parse the option; empty for the whole message. UsageError if it is not a JSON pointer."""
    return ComparedPlace(parse_compare_at(pointer), steps_of(pointer))


def _object(value: object) -> tuple[Object | None, tuple[str, ...]]:
    """Return an object, or the one that a text contains, and the keys repeated in the text."""
    if isinstance(value, Mapping):
        return value, ()
    if not isinstance(value, str):
        return None, ()
    parsed = parse(value.encode(errors="surrogatepass"))
    return parsed.event, parsed.repeated
