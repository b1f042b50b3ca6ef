"""Event sets: sets of events with one bit per attempt."""

from dataclasses import dataclass, field

Event = tuple[int, int]
"""An event's generator and sequence number."""

_PAGE = 1 << 16
MOST_PAGES = 20_000  # 160 MB, enough for 1.3 billion attempts


@dataclass(slots=True)
class EventSet:
    """A set of events of bounded size: beyond MOST_PAGES, no further events are kept.

    Anyone may publish ids, and forged ones must not exhaust memory.
    """

    _pages: dict[tuple[int, int], bytearray] = field(default_factory=dict)

    def __contains__(self, event: Event) -> bool:
        """Whether the event is in the set."""
        generator, seq = event
        page = self._pages.get((generator, seq // _PAGE))
        return page is not None and bool(page[seq % _PAGE >> 3] & 1 << (seq & 7))

    def add(self, event: Event) -> bool:
        """Add an event; return whether it was not in the set before."""
        generator, seq = event
        key, byte, bit = (generator, seq // _PAGE), seq % _PAGE >> 3, 1 << (seq & 7)
        page = self._pages.get(key)
        if page is None:
            if len(self._pages) >= MOST_PAGES:
                return True
            page = self._pages[key] = bytearray(_PAGE >> 3)
        is_new = not page[byte] & bit
        page[byte] |= bit
        return is_new
