"""Missing events: acknowledged events that had time to arrive and are not in the topic. Pure.

Events are compared by id, not by count, so that no other arrival can make up for a lost event.
"""

from collections import deque
from dataclasses import dataclass, field

from headcount.monitor.seq_bitmap import Pages

MOST_PAGES = 320_000
"""160 MB, enough for 1.3 billion attempts. Beyond that, no further events count as missing."""

_Page = tuple[int, int]
"""A generator and a page number."""


@dataclass(slots=True)
class MissingEvents:
    """Compares acknowledged with arrived events; times are monotonic, in s."""

    settle_s: float
    _seen: dict[_Page, int] = field(default_factory=dict)
    _unsettled: deque[tuple[float, int, Pages]] = field(default_factory=deque)
    _overdue: dict[_Page, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """The number of missing events."""
        return sum(bits.bit_count() for bits in self._overdue.values())

    @property
    def by_generator(self) -> dict[int, dict[int, int]]:
        """The missing events of each generator, by page."""
        pages: dict[int, dict[int, int]] = {}
        for (generator, number), bits in self._overdue.items():
            pages.setdefault(generator, {})[number] = bits
        return pages

    def add_acked(self, generator: int, pages: Pages, at_s: float) -> None:
        """Add events acknowledged by `at_s`."""
        if pages:
            self._unsettled.append((at_s, generator, pages))

    def add_arrived(self, generator: int, pages: Pages) -> dict[int, int]:
        """Add events seen in the topic; return those not seen before, by page."""
        new = {}
        for number, bits in pages.items():
            page = generator, number
            if page in self._seen or len(self._seen) < MOST_PAGES:
                seen = self._seen.get(page, 0)
                self._seen[page] = seen | bits
                new[number] = bits & ~seen
            self._clear_overdue(page, bits)
        return new

    def settle(self, complete_at_s: float) -> None:
        """Compare the events that had time to arrive.

        Everything that was in the topic at `complete_at_s` has been read.
        """
        while self._unsettled and self._unsettled[0][0] + self.settle_s <= complete_at_s:
            _, generator, pages = self._unsettled.popleft()
            if len(self._seen) >= MOST_PAGES:
                continue
            for number, bits in pages.items():
                page = generator, number
                if unseen := bits & ~self._seen.get(page, 0):
                    self._overdue[page] = self._overdue.get(page, 0) | unseen

    def _clear_overdue(self, page: _Page, bits: int) -> None:
        """Drop missing events that have arrived after all."""
        if page in self._overdue:
            self._overdue[page] &= ~bits
            if not self._overdue[page]:
                del self._overdue[page]
