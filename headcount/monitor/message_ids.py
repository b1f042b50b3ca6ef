"""Identities in messages of any form: which events of a run a message stands for. Pure.

What the judge looks for is in a field, a header or the key. That a message has arrived is known
from less: a whole id of the run that stands anywhere in it.
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
    """Finds the ids of a run by its tag; `name` is the field that has them, in any case."""

    tag: str
    name: str
    _anywhere: re.Pattern[bytes] = field(init=False)
    _in_field: re.Pattern[bytes] = field(init=False)

    def __post_init__(self) -> None:
        """Prepare to look for them in bytes, which may be of a broken message."""
        self._anywhere = ids.whole_id(self.tag)
        name = re.escape(self.name.encode())
        self._in_field = re.compile(rb'(?i:"%s")\s*:\s*"%s"' % (name, self._anywhere.pattern))

    def of(self, value: bytes | None, key: bytes | None, headers: Headers) -> list[Event]:
        """Give the events of a message: one, or all that may be it where that is not clear."""
        if value is not None and (found := self._in_field.search(value)):
            return [(int(found[1]), int(found[2]))]
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
    return list(dict.fromkeys((int(one), int(other)) for one, other in pattern.findall(raw)))
