"""The progress counter: counts a generator's attempts for its reports, a second at a time. Pure."""

from collections import Counter
from collections.abc import Mapping

import pyarrow as pa

from headcount.monitor.ended_attempts import EndedAttempts
from headcount.monitor.progress import Progress
from headcount.monitor.seq_bitmap import pages_of_ranges

NOTHING, COUNTS, DURATIONS, HISTOGRAMS = "", "counts", "durations", "histograms"
"""What a generator's reports contain; several of these are joined by commas."""

_NS_PER_S = 1_000_000_000


class ProgressCounter:
    """Counts attempts by their rows once they have ended, so that counting delays no request.

    `with_durations` says whether to report how long each attempt took, and `with_histograms`
    whether to count it in histograms.
    """

    def __init__(
        self, generator: int, *, with_durations: bool = False, with_histograms: bool = False
    ) -> None:
        self._generator = generator
        self._with_durations, self._with_histograms = with_durations, with_histograms
        self._batches: list[pa.Table] = []
        self._ended_by_type: Counter[str] = Counter()
        self._first_sent_ns: int | None = None
        self._last_sent: tuple[int, int] | None = None

    def add(self, rows: pa.Table) -> None:
        """Keep rows of the ledger until the next report, which counts them."""
        self._batches.append(rows)

    def report(
        self,
        in_flight: Mapping[str, int],
        clock_s: float | None = None,
        sent_ns: Mapping[int, int] | None = None,
        *,
        lag_ms: float = 0.0,
        dropped: int = 0,
        is_last: bool = False,
    ) -> Progress:
        """Return the attempts that ended since the last report, and all that have begun.

        Args:
            in_flight: Attempts that have begun and not ended, by event type.
            clock_s: The Unix time by the generator's clock.
            sent_ns: When each attempt in flight was sent, by its sequence number.
            lag_ms: The lateness of timers or arrivals in the last second.
            dropped: The number of arrivals that could not start in time.
            is_last: Whether no other report follows.
        """
        batches, self._batches = self._batches, []
        ended = EndedAttempts(batches)
        counts = ended.counts
        for attempts in counts:
            self._ended_by_type[attempts.event_type] += attempts.count
        starts = self._starts(ended, sent_ns or {})
        http, from_intended = ended.histograms if self._with_histograms else ({}, {})
        return Progress(
            self._generator,
            dict(self._ended_by_type + Counter(in_flight)),
            counts,
            ended.durations if self._with_durations else (),
            pages_of_ranges(ended.acked),
            clock_s,
            self._first_sent_ns,
            None if self._last_sent is None else self._last_sent[1],
            starts,
            ended.latency,
            http,
            from_intended,
            lag_ms,
            dropped,
            is_last,
        )

    def _starts(self, ended: EndedAttempts, sent_ns: Mapping[int, int]) -> dict[int, int]:
        """Note the first and the last attempt; return the first number of each second."""
        if self._first_sent_ns is None:
            known_ns = [*sent_ns.values(), *filter(None, [ended.first_sent_ns])]
            self._first_sent_ns = min(known_ns, default=None)
        if self._first_sent_ns is None:
            return {}
        known = (self._last_sent, ended.last_sent, *sent_ns.items())
        self._last_sent = max(filter(None, known), default=None)
        starts = ended.starts(self._first_sent_ns)
        for seq, at_ns in sent_ns.items():
            second = (at_ns - self._first_sent_ns) // _NS_PER_S
            starts[second] = min(seq, starts.get(second, seq))
        return starts


def detail_of(*, needs_durations: bool, needs_histograms: bool) -> str:
    """Return what reports must have."""
    parts = {COUNTS: True, DURATIONS: needs_durations, HISTOGRAMS: needs_histograms}
    return ",".join(part for part, is_needed in parts.items() if is_needed)


def counter_of(generator: int, detail: str) -> ProgressCounter:
    """Return a counter that counts what reports must have, and no more."""
    parts = detail.split(",")
    return ProgressCounter(
        generator, with_durations=DURATIONS in parts, with_histograms=HISTOGRAMS in parts
    )
