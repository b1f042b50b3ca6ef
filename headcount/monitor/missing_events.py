"""Missing events: acknowledged events that had time to arrive, and are not in the topic. Pure.

The events that were acknowledged are held against the arrivals of these same events, so that no
other arrival stands for one that is lost.
"""

from collections import deque
from dataclasses import dataclass, field

from headcount.monitor.seq_bitmap import Pages

MOST_PAGES = 320_000
"""160 MB, for 1.3 thousand million attempts. Beyond that nothing more is held to be missing."""

_Page = tuple[int, int]
"""A generator and the number of its page."""


@dataclass(slots=True)
class MissingEvents:
    """Takes what was acknowledged and what was seen; times are of one monotonic clock, in s."""

    settle_s: float
    _seen: dict[_Page, int] = field(default_factory=dict)
    _young: deque[tuple[float, int, Pages]] = field(default_factory=deque)
    _overdue: dict[_Page, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many are missing."""
        return sum(bits.bit_count() for bits in self._overdue.values())

    def acknowledge(self, generator: int, pages: Pages, at_s: float) -> None:
        """Take what was acknowledged until then."""
        if pages:
            self._young.append((at_s, generator, pages))

    def see(self, generator: int, pages: Pages) -> None:
        """Take what was seen in the topic."""
        for number, bits in pages.items():
            page = generator, number
            if page in self._seen or len(self._seen) < MOST_PAGES:
                self._seen[page] = self._seen.get(page, 0) | bits
            self._find(page, bits)

    def settle(self, complete_at_s: float) -> None:
        """Hold what had time to arrive against what was seen, which was all of the topic then."""
        while self._young and self._young[0][0] + self.settle_s <= complete_at_s:
            _, generator, pages = self._young.popleft()
            if len(self._seen) >= MOST_PAGES:
                continue
            for number, bits in pages.items():
                page = generator, number
                if unseen := bits & ~self._seen.get(page, 0):
                    self._overdue[page] = self._overdue.get(page, 0) | unseen

    def _find(self, page: _Page, bits: int) -> None:
        """What was missing has come after all."""
        if page in self._overdue:
            self._overdue[page] &= ~bits
            if not self._overdue[page]:
                del self._overdue[page]
