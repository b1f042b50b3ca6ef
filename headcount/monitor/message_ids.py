"""Message ids: the events of a run that a message may stand for, whatever its format. Pure.

The verdict counts a message as an event's only if its JSON object has the id in the id field. To
count the event as arrived, a complete id anywhere in the message is enough: the service may write
it where the verdict does not look, which is a different problem from a loss.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from headcount.monitor.event_set import Event
from headcount.run import ids
from headcount.run.id_field import id_names

Headers = Iterable[tuple[str, str | bytes | None]]

_MARK = b"\xef\xbb\xbf"
_ESCAPE = b"\\u"
_Pairs = tuple[tuple[str, object], ...]


@dataclass(frozen=True, slots=True)
class MessageIds:
    """The event whose message it is, if certain; otherwise the events that it mentions."""

    own: Event | None = None
    mentioned: tuple[Event, ...] = ()

    @property
    def events(self) -> tuple[Event, ...]:
        """The events that count as arrived."""
        return self.mentioned if self.own is None else (self.own,)


@dataclass(slots=True)
class Identities:
    """Reads the ids of a run, which begin with its tag; `name` is the id field's name."""

    tag: str
    name: str
    _anywhere: re.Pattern[bytes] = field(init=False)
    _start: bytes = field(init=False)

    def __post_init__(self) -> None:
        """Compile byte patterns, so that malformed messages can be searched, too."""
        self._anywhere = ids.whole_id(self.tag)
        self._start = f"{self.tag}.".encode()

    def of(self, value: bytes | None, key: bytes | None, headers: Headers) -> MessageIds:
        """Return the event whose message it is, or else all that it may be."""
        own = self._own(value) if value else None
        if own is not None:
            return MessageIds(own)
        contents = (value, key, *(content for _, content in headers))
        mentioned = (_events(self._anywhere, content) for content in contents)
        return MessageIds(mentioned=next(filter(None, mentioned), ()))

    def _own(self, value: bytes) -> Event | None:
        """Return the event that the verdict reads from a message; None if it is not certain."""
        if self._start not in value and _ESCAPE not in value:
            return None
        fields = _fields(value)
        names = id_names(tuple([name for name, _ in fields]), self.name)
        values = [content for name, content in fields if name in names]
        # A field that occurs twice, or two that differ, make the message malformed.
        is_certain = 0 < len(values) == len(set(names)) and values.count(values[0]) == len(values)
        if not is_certain or not isinstance(values[0], str):
            return None
        match = self._anywhere.fullmatch(values[0].encode(errors="replace"))
        return None if match is None else (int(match[1]), int(match[2]))


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


def _events(pattern: re.Pattern[bytes], content: str | bytes | None) -> tuple[Event, ...]:
    raw = content.encode() if isinstance(content, str) else content
    matches = pattern.findall(raw) if raw else ()
    return tuple(dict.fromkeys((int(generator), int(seq)) for generator, seq in matches))
