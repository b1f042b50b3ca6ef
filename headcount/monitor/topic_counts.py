"""Topic counts: how many events of a run have arrived, as the topic watcher reports them."""

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
_MOST_PAGES = 20_000  # 160 MB, enough for 1.3 billion attempts

_EVENT_TYPE = re.compile(rb'"event_type"\s*:\s*"([^"\\\x00-\x1f]{1,100})"')


@validated(frozen=True, slots=True)
class TopicCounts:
    """The counts as of `at_s`; times are of the machine's monotonic clock, in s.

    `arrived` counts distinct events by the `event_type` in their messages; `duplicated` counts
    messages beyond the first of each event. Everything in the topic at `complete_at_s` was read;
    it is None until a watcher that has just started has read everything for the first time.
    `seen` has the sequence numbers of the events seen since the previous report, by generator, in
    the format of `seq_bitmap.packed`. `problem` says why the topic cannot be read.
    """

    at_s: float
    complete_at_s: float | None
    arrived: dict[str, int]
    duplicated: int
    unread: int
    seen: dict[int, list[tuple[int, str]]] = Field(default_factory=dict)
    problem: str = ""


_COUNTS = TypeAdapter(TopicCounts)


def dump(counts: TopicCounts) -> bytes:
    """Serialize counts as one line of JSON."""
    return _COUNTS.dump_json(counts) + b"\n"


def load(line: bytes) -> TopicCounts | None:
    """Parse a line; None if it does not hold counts."""
    try:
        return _COUNTS.validate_json(line)
    except ValidationError:
        return None


@dataclass(slots=True)
class TopicCounter:
    """Counts the events of a run as their messages arrive; uses one bit per attempt."""

    identities: Identities
    arrived: Counter[str] = field(default_factory=Counter)
    duplicated: int = 0
    _pages: dict[tuple[int, int], bytearray] = field(default_factory=dict)
    _new: dict[int, list[int]] = field(default_factory=dict)

    def add(self, value: bytes | None, key: bytes | None = None, headers: Headers = ()) -> None:
        """Count a message, if it belongs to the run.

        If it has several ids but none in the id field, any of them may be its own: all those events
        count as arrived, and none as duplicated.
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
        """Return the events seen since the last call, by generator."""
        new, self._new = self._new, {}
        return {generator: packed(pages_of(seqs)) for generator, seqs in new.items()}

    def counts(self) -> Mapping[str, int]:
        """The number of arrived events, by the `event_type` in their messages."""
        return dict(self.arrived)

    def _is_new(self, generator: int, seq: int) -> bool:
        key, byte, bit = (generator, seq // _PAGE), seq % _PAGE >> 3, 1 << (seq & 7)
        page = self._pages.get(key)
        if page is None:
            if len(self._pages) == _MOST_PAGES:
                return True  # anyone may publish ids, and forged ones must not exhaust memory
            page = self._pages[key] = bytearray(_PAGE >> 3)
        is_new = not page[byte] & bit
        page[byte] |= bit
        return is_new

    def _type_of(self, value: bytes) -> str:
        match = _EVENT_TYPE.search(value)
        name = match[1].decode("utf-8", "replace") if match else OTHER
        return name if name in self.arrived or len(self.arrived) < MOST_TYPES else OTHER
