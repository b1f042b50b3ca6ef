"""Send bins: how many attempts were sent in each second of a run, and what became of them. Pure.

Every count belongs to the second in which its request was sent, whenever a report of it arrives. So
no second has more acknowledged or arrived events than attempts, and a late report does not shift a
line in the chart. A generator's sequence numbers are in the order of sending, so the first number
of each second determines the second of every other number.
"""

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from headcount.monitor.progress import Progress
from headcount.monitor.seq_bitmap import PAGE, Pages

MOST_BINS = 600
MOST_PENDING_PAGES = 10_000
"""Pages of one generator that arrived before its report; more are not counted in the bins."""

_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class SendBin:
    """The attempts sent in a time span that begins `start_s` after the first request."""

    start_s: int
    attempted: int
    acked: int
    arrived: int
    missing: int


@dataclass(slots=True)
class _GeneratorSeconds:
    """A generator's first sequence number in each second; `offset_s` is how late it began."""

    offset_s: int = 0
    starts: "array[int]" = field(default_factory=lambda: array("q"))
    begun: int = 0
    _early: dict[int, int] = field(default_factory=dict)

    def extend(self, starts: Mapping[int, int], begun: int) -> Iterator[tuple[int, int]]:
        """Add seconds; yield how many attempts were sent in each second since the last call."""
        for second, seq in sorted(starts.items()):
            # Nothing was sent in the seconds left out.
            self.starts.extend([seq] * (second + 1 - len(self.starts)))
        before, self.begun = self.begun, max(begun, self.begun)
        while before < self.begun and self.starts:
            second, end = self._second_of(before)
            yield second + self.offset_s, end - before
            before = end

    def split(self, pages: Pages) -> Iterator[tuple[int, int]]:
        """Count the begun attempts in a bitmap: yield pairs of a second and a count."""
        for number, page_bits in pages.items():
            first, bits = number * PAGE, page_bits
            while bits:
                low = (bits & -bits).bit_length() - 1
                if first + low >= self.begun:
                    break
                second, end = self._second_of(first + low)
                rest = bits >> (end - first) << (end - first)
                yield second + self.offset_s, (bits ^ rest).bit_count()
                bits = rest

    def arrive(self, pages: Pages) -> Iterator[tuple[int, int]]:
        """Yield the same as `split`; keep for later the attempts that were not reported yet."""
        for number, bits in pages.items():
            known = max(0, self.begun - number * PAGE)
            if early := bits >> known << known:
                self._keep(number, early)
        yield from self.split(pages)

    def arrive_late(self) -> Iterator[tuple[int, int]]:
        """Yield the same as `split` for kept attempts that have been reported since."""
        pages, self._early = self._early, {}
        yield from self.arrive(pages)

    def _second_of(self, seq: int) -> tuple[int, int]:
        """Return the second in which a begun attempt was sent, and where that second ends.

        It ends at the sequence number after that of its last begun attempt.
        """
        second = max(0, bisect_right(self.starts, seq) - 1)
        is_last = second + 1 >= len(self.starts)
        return second, self.begun if is_last else min(self.begun, self.starts[second + 1])

    def _keep(self, number: int, bits: int) -> None:
        if number in self._early or len(self._early) < MOST_PENDING_PAGES:
            self._early[number] = self._early.get(number, 0) | bits


@dataclass(slots=True)
class SendBins:
    """Counts attempts by the second of sending, over all generators.

    `first_sent_ns` is the Unix time of the first request that was reported, None before. In seconds
    from then, `reported_s` is the time up to which all generators have reported, and `sent_s` the
    time of the last request.
    """

    first_sent_ns: int | None = None
    reported_s: float = 0.0
    sent_s: float = 0.0
    _generators: dict[int, _GeneratorSeconds] = field(default_factory=dict)
    _attempted: Counter[int] = field(default_factory=Counter)
    _acked: Counter[int] = field(default_factory=Counter)
    _arrived: Counter[int] = field(default_factory=Counter)

    def receive(self, progress: Progress) -> None:
        """Add a generator's report; nothing if it has sent no request yet."""
        if progress.first_sent_ns is None:
            return
        if self.first_sent_ns is None:
            self.first_sent_ns = progress.first_sent_ns
        seconds = self._generators.setdefault(progress.generator, _GeneratorSeconds())
        late_s = (progress.first_sent_ns - self.first_sent_ns) / _NS_PER_S
        seconds.offset_s = max(0, round(late_s))
        begin_s = progress.first_sent_ns / _NS_PER_S - seconds.offset_s
        if progress.clock_s is not None:
            self.reported_s = max(self.reported_s, progress.clock_s - begin_s)
        if progress.last_sent_ns is not None:
            self.sent_s = max(self.sent_s, progress.last_sent_ns / _NS_PER_S - begin_s)
        _add(self._attempted, seconds.extend(progress.starts, sum(progress.begun.values())))
        _add(self._arrived, seconds.arrive_late())
        _add(self._acked, seconds.split(progress.acked))

    def add_arrived(self, generator: int, pages: Pages) -> None:
        """Add attempts newly seen in the topic, even before their generator reports them."""
        seconds = self._generators.setdefault(generator, _GeneratorSeconds())
        _add(self._arrived, seconds.arrive(pages))

    def bins(
        self, missing: Mapping[int, Pages], until_s: float | None = None
    ) -> tuple[int, tuple[SendBin, ...]]:
        """Return the width of the bins in s, and at most MOST_BINS bins without gaps.

        Args:
            missing: The missing events by generator.
            until_s: Leaves out bins that end later; None for all.
        """
        seconds = max(self._attempted, default=-1) + 1
        if until_s is not None:
            seconds = max(0, int(until_s))
        width_s = max(1, -(-seconds // MOST_BINS))
        count = seconds // width_s if until_s is not None else -(-seconds // width_s)
        overdue = Counter[int]()
        for generator, pages in missing.items():
            if generator in self._generators:
                _add(overdue, self._generators[generator].split(pages))
        parts = (self._attempted, self._acked, self._arrived, overdue)
        return width_s, tuple(
            SendBin(start_s, *(_sum(part, start_s, width_s) for part in parts))
            for start_s in range(0, count * width_s, width_s)
        )

    def rate(self, over_s: int, until_s: float) -> float | None:
        """Return the attempts per second in the last whole seconds up to a time.

        None before a whole second has passed.
        """
        end = int(until_s)
        start = max(0, end - over_s)
        return _sum(self._attempted, start, end - start) / (end - start) if end > start else None


def _add(counts: Counter[int], more: Iterator[tuple[int, int]]) -> None:
    for second, count in more:
        counts[second] += count


def _sum(counts: Counter[int], start: int, width: int) -> int:
    return sum(counts[second] for second in range(start, start + width))
