"""Topic counts: how many events of a run have arrived, as the topic watcher reports them."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as validated

from headcount.monitor.event_set import Event, EventSet
from headcount.monitor.message_ids import Headers, Identities
from headcount.monitor.seq_bitmap import Packed, packed, pages_of

MOST_TYPES = 200
OTHER = "other"

_EVENT_TYPE = re.compile(rb'"event_type"\s*:\s*"([^"\\\x00-\x1f]{1,100})"')


@validated(frozen=True, slots=True)
class TopicCounts:
    """The counts as of `at_s`; times are of the machine's monotonic clock, in s.

    `arrived` counts distinct events by the `event_type` in their messages; `duplicated` counts
    messages beyond the first of each event. Everything in the topic at `complete_at_s` was read;
    `complete_at_s` is None until the watcher has read everything once since it started.
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
    _owned: EventSet = field(default_factory=EventSet)
    _mentioned: EventSet = field(default_factory=EventSet)
    _new: dict[int, list[int]] = field(default_factory=dict)

    def add(self, value: bytes | None, key: bytes | None = None, headers: Headers = ()) -> None:
        """Count a message, if it belongs to the run.

        If it is not certainly an event's message, all events that it mentions count as arrived, and
        none as duplicated: it may be a consumer's message about them.
        """
        message_ids = self.identities.of(value, key, headers)
        if message_ids.own is not None:
            is_first = self._owned.add(message_ids.own)
            self.duplicated += not is_first
            new = [message_ids.own] if is_first and message_ids.own not in self._mentioned else []
        else:
            new = [event for event in message_ids.mentioned if self._is_news(event)]
        for generator, seq in new:
            self._new.setdefault(generator, []).append(seq)
        if new:
            self.arrived[self._type_of(value or b"")] += len(new)

    def _is_news(self, event: Event) -> bool:
        """Add a mentioned event; return whether nothing was known of it."""
        return event not in self._owned and self._mentioned.add(event)

    def seen(self) -> dict[int, Packed]:
        """Return the events seen since the last call, by generator."""
        new, self._new = self._new, {}
        return {generator: packed(pages_of(seqs)) for generator, seqs in new.items()}

    def counts(self) -> Mapping[str, int]:
        """The number of arrived events, by the `event_type` in their messages."""
        return dict(self.arrived)

    def _type_of(self, value: bytes) -> str:
        match = _EVENT_TYPE.search(value)
        name = match[1].decode("utf-8", "replace") if match else OTHER
        return name if name in self.arrived or len(self.arrived) < MOST_TYPES else OTHER
