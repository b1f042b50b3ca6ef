"""WatchGap: since when the topic is not watched, so that nobody takes silence for no loss."""

import time
from dataclasses import dataclass

BLIND_AFTER_S = 10.0
"""A topic of which no whole look was had for so long is not watched."""


@dataclass(slots=True)
class WatchGap:
    """Notes when a topic is watched no more, and when it is again; `offs` are aborts that need it.

    `since` is empty while the topic is watched, and else the time of day of the last whole look.
    """

    offs: tuple[str, ...] = ()
    since: str = ""

    def note(self, now_s: float, complete_at_s: float, problem: str, unix_s: float) -> str:
        """Take until when all of the topic was read; give what is to be logged, if anything.

        Args:
            now_s: The time now, by the clock that `complete_at_s` is of.
            complete_at_s: When all of the topic was read that it had then.
            problem: What keeps it from being read, as far as that is known.
            unix_s: The time now, by the clock on the wall.
        """
        is_blind = now_s - complete_at_s > BLIND_AFTER_S
        if is_blind == bool(self.since):
            return ""
        if not is_blind:
            self.since = ""
            return "the topic is watched again: losses that nobody saw are counted now"
        at = time.localtime(unix_s - (now_s - complete_at_s))
        self.since = time.strftime("%H:%M:%S", at)
        reason = f" ({problem})" if problem else ""
        off = ", ".join(f"{each!r}" for each in self.offs)
        off = off and f"; {off} cannot stop the test meanwhile"
        return f"{self.text}{reason}{off}"

    @property
    def text(self) -> str:
        """Say since when the topic is not watched; empty while it is."""
        if not self.since:
            return ""
        return f"topic not watched since {self.since}, losses are not seen live"
