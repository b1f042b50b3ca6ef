"""Message ids: the events of a run that a message may belong to, whatever its format. Pure.

The verdict counts a message as an event's only if it has the id in the place that the run names. To
count the event as arrived, a complete id anywhere in the message is enough: the service may write
it where the verdict does not look, which is a different problem from a loss.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from headcount.monitor.event_set import Event
from headcount.run.id_form import RunIds
from headcount.run.id_location import TRACEPARENT, IdLocation, LocationKind, id_names
from headcount.run.ids import HEADER
from headcount.run.manifest import Manifest
from headcount.run.message_format import RAW
from headcount.run.trace_context import trace_id_of

Headers = Iterable[tuple[str, str | bytes | None]]

_MARK = b"\xef\xbb\xbf"
_ESCAPE = b"\\u"
_Pairs = tuple[tuple[str, object], ...]


@dataclass(frozen=True, slots=True)
class MessageIds:
    """The event that a message belongs to, if certain; otherwise the events that it mentions."""

    own: Event | None = None
    mentioned: tuple[Event, ...] = ()

    @property
    def events(self) -> tuple[Event, ...]:
        """The events that count as arrived."""
        return self.mentioned if self.own is None else (self.own,)


@dataclass(slots=True)
class Identities:
    """Reads the ids of a run, which messages carry at a location.

    `has_empty_events` says that a message without a value is an event like any other.
    """

    ids: RunIds
    location: IdLocation = field(default_factory=IdLocation)
    id_header: str = HEADER
    has_empty_events: bool = False
    _start: bytes = field(init=False)

    def __post_init__(self) -> None:
        """Prepare to rule messages out quickly."""
        self._start = self.ids.prefix.encode()

    def of(self, value: bytes | None, key: bytes | None, headers: Headers) -> MessageIds:
        """Return the event that a message belongs to, or else all events that it may belong to."""
        headers = tuple(headers)
        own = self._own_event(value, key, headers)
        if own is not None:
            return MessageIds(own)
        contents = (value, key, *(content for _, content in headers))
        mentioned = (self._events(content) for content in contents)
        return MessageIds(mentioned=next(filter(None, mentioned), ()))

    def _own_event(self, value: bytes | None, key: bytes | None, headers: Headers) -> Event | None:
        """Return the event that the verdict reads from a message; None if it is not certain."""
        if value is None and not self.has_empty_events:
            return None  # it may only mark that a row was deleted
        match self.location.kind:
            case LocationKind.FIELD:
                return self._in_field(value or b"")
            case LocationKind.KEY:
                return self._event(_text(key))
            case LocationKind.HEADER | LocationKind.TRACEPARENT:
                name = (self.location.name or TRACEPARENT).casefold()
                texts = [_text(content) for other, content in headers if other.casefold() == name]
                return self._event(_header_id(texts[0], name)) if len(texts) == 1 else None
        return None

    def _event(self, text: str | None) -> Event | None:
        event_id = None if text is None else self.ids.parse(text)
        return None if event_id is None else (event_id.generator, event_id.seq)

    def _in_field(self, value: bytes) -> Event | None:
        """Return the event that the verdict reads from a message; None if it is not certain."""
        if self._start not in value and _ESCAPE not in value:
            return None
        fields = _fields(value)
        names = id_names(tuple([name for name, _ in fields]), self.location.name, self.id_header)
        values = [content for name, content in fields if name in names]
        # The message is malformed if one field occurs twice, or if two fields have different ids.
        is_certain = 0 < len(values) == len(set(names)) and values.count(values[0]) == len(values)
        if not is_certain or not isinstance(values[0], str):
            return None
        return self._event(values[0])

    def _events(self, content: str | bytes | None) -> tuple[Event, ...]:
        raw = content.encode() if isinstance(content, str) else content
        event_ids = self.ids.found_in(raw) if raw else ()
        return tuple(dict.fromkeys((event_id.generator, event_id.seq) for event_id in event_ids))


def identities_of(run: Manifest) -> Identities:
    """Return what reads the ids of a run; only in the format raw is an empty message an event."""
    is_raw = run.message_format == RAW
    return Identities(run.ids, run.id_location, run.id_header, has_empty_events=is_raw)


def _text(content: str | bytes | None) -> str | None:
    return content.decode(errors="replace") if isinstance(content, bytes) else content


def _header_id(text: str | None, name: str) -> str | None:
    """Return the id in a header; in `traceparent`, that is the trace-id."""
    return trace_id_of(text) if text and name == TRACEPARENT else text


def _fields(value: bytes) -> _Pairs:
    """Return the top-level fields of a JSON object; none if it is not valid."""
    try:
        fields = _DECODER.decode(value.removeprefix(_MARK).decode())
        if _ESCAPE in value:  # the only way to write half a surrogate pair
            json.dumps(fields, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return ()
    return fields if isinstance(fields, tuple) else ()


def _no_constant(name: str) -> object:
    raise ValueError(name)


_DECODER = json.JSONDecoder(
    object_pairs_hook=tuple,
    parse_int=float,  # Python limits the number of digits of an integer
    parse_constant=_no_constant,
)
