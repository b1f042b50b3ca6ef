"""A sight: what was seen of a run in the topic so far, as the process that looks tells it."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as validated

MOST_TYPES = 200
OTHER = "other"

_PAGE = 1 << 16
_MOST_PAGES = 20_000  # 160 MB, for 1.3 thousand million attempts

_EVENT_TYPE = re.compile(rb'"event_type"\s*:\s*"([^"\\\x00-\x1f]{1,100})"')


@validated(frozen=True, slots=True)
class Sight:
    """What was seen until `at_s`; times are of the machine's monotonic clock, in s.

    `arrived` counts events once, by what the messages call their type; `duplicated` counts
    messages beyond the first of an event. All that the topic had at `complete_at_s` was read.
    """

    at_s: float
    complete_at_s: float
    arrived: dict[str, int]
    duplicated: int
    unread: int


_SIGHT = TypeAdapter(Sight)


def dump(sight: Sight) -> bytes:
    """Write a sight as a line."""
    return _SIGHT.dump_json(sight) + b"\n"


def load(line: bytes) -> Sight | None:
    """Read a line; None if it is no sight."""
    try:
        return _SIGHT.validate_json(line)
    except ValidationError:
        return None


@dataclass(slots=True)
class Tally:
    """Counts the events of a run as their messages come; one bit for each attempt."""

    tag: str
    arrived: Counter[str] = field(default_factory=Counter)
    duplicated: int = 0
    _pages: dict[tuple[int, int], bytearray] = field(default_factory=dict)
    _identity: re.Pattern[bytes] = field(init=False)

    def __post_init__(self) -> None:
        """Prepare to find the run's identities, which stand in a message's bytes, broken or not."""
        self._identity = re.compile(
            rb"(?<![a-z0-9-])%s\.(\d{1,9})\.(\d{1,18})\b" % self.tag.encode()
        )

    def add(self, value: bytes | None) -> None:
        """Count a message, if it is of the run."""
        found = self._identity.search(value or b"")
        if found is None or value is None:
            return
        if self._is_new(int(found[1]), int(found[2])):
            self.arrived[self._type_of(value)] += 1
        else:
            self.duplicated += 1

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
