"""Message ids: the events of a run that a message may stand for, whatever its format. Pure.

The verdict accepts an id only in the id field, a header or the key. To count a message as arrived,
a complete id of the run anywhere in it is enough.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from headcount.run import ids

Event = tuple[int, int]
"""An event's generator and sequence number."""
Headers = Iterable[tuple[str, str | bytes | None]]


@dataclass(slots=True)
class Identities:
    """Finds the ids of a run by its tag; `name` is the id field's name, case-insensitive."""

    tag: str
    name: str
    _anywhere: re.Pattern[bytes] = field(init=False)
    _in_field: re.Pattern[bytes] = field(init=False)

    def __post_init__(self) -> None:
        """Compile byte patterns, so that malformed messages can be searched, too."""
        self._anywhere = ids.whole_id(self.tag)
        name = re.escape(self.name.encode())
        self._in_field = re.compile(rb'(?i:"%s")\s*:\s*"%s"' % (name, self._anywhere.pattern))

    def of(self, value: bytes | None, key: bytes | None, headers: Headers) -> list[Event]:
        """Return the event of a message, or all candidates if the event is ambiguous."""
        if value is not None and (match := self._in_field.search(value)):
            return [(int(match[1]), int(match[2]))]
        events = _events(self._anywhere, value) or _events(self._anywhere, key)
        if events:
            return events
        for _, content in headers:
            raw = content.encode() if isinstance(content, str) else content
            if events := _events(self._anywhere, raw):
                return events
        return []


def _events(pattern: re.Pattern[bytes], raw: bytes | None) -> list[Event]:
    if not raw:
        return []
    return list(
        dict.fromkeys((int(generator), int(seq)) for generator, seq in pattern.findall(raw))
    )
