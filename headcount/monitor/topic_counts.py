"""A sight: what was seen of a run in the topic so far, as the process that looks tells it."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as validated

from headcount.monitor.message_ids import Headers, Identities
from headcount.monitor.seq_bitmap import Packed, packed, pages_of

MOST_TYPES = 200
OTHER = "other"

_PAGE = 1 << 16
_MOST_PAGES = 20_000  # 160 MB, for 1.3 thousand million attempts

_EVENT_TYPE = re.compile(rb'"event_type"\s*:\s*"([^"\\\x00-\x1f]{1,100})"')


@validated(frozen=True, slots=True)
class TopicCounts:
    """What was seen until `at_s`; times are of the machine's monotonic clock, in s.

    `arrived` counts events once, by what the messages call their type; `duplicated` counts
    messages beyond the first of an event. All that the topic had at `complete_at_s` was read.
    `seen` has by generator, as `seqs.packed` writes them, the numbers of the events that were seen
    since the sight before. `problem` says what keeps the topic from being read.
    """

    at_s: float
    complete_at_s: float
    arrived: dict[str, int]
    duplicated: int
    unread: int
    seen: dict[int, list[tuple[int, str]]] = Field(default_factory=dict)
    problem: str = ""


_SIGHT = TypeAdapter(TopicCounts)


def dump(sight: TopicCounts) -> bytes:
    """Write a sight as a line."""
    return _SIGHT.dump_json(sight) + b"\n"


def load(line: bytes) -> TopicCounts | None:
    """Read a line; None if it is no sight."""
    try:
        return _SIGHT.validate_json(line)
    except ValidationError:
        return None


@dataclass(slots=True)
class TopicCounter:
    """Counts the events of a run as their messages come; one bit for each attempt."""

    identities: Identities
    arrived: Counter[str] = field(default_factory=Counter)
    duplicated: int = 0
    _pages: dict[tuple[int, int], bytearray] = field(default_factory=dict)
    _new: dict[int, list[int]] = field(default_factory=dict)

    def add(self, value: bytes | None, key: bytes | None = None, headers: Headers = ()) -> None:
        """Count a message, if it is of the run.

        Where several ids stand in it and none in its place, each may be its own: none of these is
        missing, and it is no duplicate of any.
        """
        events = self.identities.of(value, key, headers)
        if not events:
            return
        new = [event for event in events if self._is_new(*event)]
        for generator, seq in new:
            self._new.setdefault(generator, []).append(seq)
        if new:
            self.arrived[self._type_of(value or b"")] += 1
        elif len(events) == 1:
            self.duplicated += 1

    def seen(self) -> dict[int, Packed]:
        """Give the events that were seen since this was asked last, by generator."""
        new, self._new = self._new, {}
        return {generator: packed(pages_of(seqs)) for generator, seqs in new.items()}

    def counts(self) -> Mapping[str, int]:
        """The events that have come, by what their messages call their type."""
        return dict(self.arrived)

    def _is_new(self, generator: int, seq: int) -> bool:
        key, place, bit = (generator, seq // _PAGE), seq % _PAGE >> 3, 1 << (seq & 7)
        page = self._pages.get(key)
        if page is None:
            if len(self._pages) == _MOST_PAGES:
                return True  # anyone may publish ids, and must not fill the memory
            page = self._pages[key] = bytearray(_PAGE >> 3)
        is_new = not page[place] & bit
        page[place] |= bit
        return is_new

    def _type_of(self, value: bytes) -> str:
        found = _EVENT_TYPE.search(value)
        name = found[1].decode("utf-8", "replace") if found else OTHER
        return name if name in self.arrived or len(self.arrived) < MOST_TYPES else OTHER
