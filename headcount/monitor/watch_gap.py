"""Watch gaps: times when the topic is not watched.

They are reported, so that nobody takes "no losses seen" for "no losses".
"""

import time
from dataclasses import dataclass

UNWATCHED_AFTER_S = 10.0
"""A topic not read completely for this long counts as not watched."""


@dataclass(slots=True)
class WatchGap:
    """Detects when watching stops and resumes; `aborts` are the thresholds that need the topic.

    `since` is the time of day of the last complete read, in UTC, or empty while the topic is
    watched.
    """

    aborts: tuple[str, ...] = ()
    since: str = ""

    def update(self, now_s: float, complete_at_s: float, problem: str, unix_s: float) -> str:
        """Return the line to log if watching has stopped or resumed, otherwise an empty string.

        Args:
            now_s: The current time, by the same clock as `complete_at_s`.
            complete_at_s: When the whole topic was last read.
            problem: Why the topic cannot be read, if known.
            unix_s: The current wall-clock time.
        """
        is_unwatched = now_s - complete_at_s > UNWATCHED_AFTER_S
        if is_unwatched == bool(self.since):
            return ""
        if not is_unwatched:
            self.since = ""
            return "the topic is being watched again; losses during the gap are now counted"
        at = time.gmtime(unix_s - (now_s - complete_at_s))
        self.since = time.strftime("%H:%M:%S UTC", at)
        reason = f" ({problem})" if problem else ""
        aborts = ", ".join(map(repr, self.aborts))
        suffix = f"; until it is watched again, {aborts} cannot stop the test" if aborts else ""
        return f"{self.text}{reason}{suffix}"

    @property
    def text(self) -> str:
        """Says since when the topic has not been watched; empty while it is watched."""
        if not self.since:
            return ""
        return f"topic not watched since {self.since}, so losses are not shown live"
