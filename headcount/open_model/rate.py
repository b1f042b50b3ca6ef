"""The rate plan: the arrival rate over the course of a run, in the syntax of `--rate`.

    500/s                               500 per second until the run ends
    0/s..2000/s:60s,2000/s:5m           a one-minute ramp, five minutes at its top, then the end

Rates and times are fractions, so that the total is exact: 1000/m for 90 s is 1,500 arrivals, not
one more or less. Pure.
"""

import math
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from fractions import Fraction

from headcount.errors import UsageError

_RATE = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)/([smh])", re.ASCII)
_TIME = re.compile(r"(?=\d)(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9}(?:\.\d{1,6})?)s)?", re.ASCII)
_UNIT_S = {"s": 1, "m": 60, "h": 3600}
_FORM = "RATE, RATE:TIME or FROM..TO:TIME, such as 500/s or 0/s..500/s:1m,500/s:5m"


@dataclass(frozen=True, slots=True)
class RateSegment:
    """A part of a plan: from one rate to another, per second; endless if it has no duration."""

    from_rate: Fraction
    to_rate: Fraction
    duration_s: Fraction | None

    @property
    def total(self) -> Fraction | None:
        """The number of arrivals due in it; None if endless."""
        if self.duration_s is None:
            return None if self.from_rate else Fraction(0)
        return (self.from_rate + self.to_rate) / 2 * self.duration_s

    def until(self, seconds: Fraction) -> "RateSegment":
        """The first `seconds` of the segment, which must be at least that long."""
        if self.duration_s is None:
            return RateSegment(self.from_rate, self.to_rate, seconds)
        reached = self.from_rate + (self.to_rate - self.from_rate) * seconds / self.duration_s
        return RateSegment(self.from_rate, reached, seconds)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A segment in floats: its time span, the arrivals due at both ends, its rate and slope."""

    begin_s: float
    before: float
    end: float
    end_s: float
    rate: float
    slope: float


@dataclass(frozen=True, slots=True)
class RatePlan:
    """Consecutive segments; nothing is due after the last."""

    segments: tuple[RateSegment, ...]
    _pieces: tuple[_Piece, ...] = field(init=False, repr=False, compare=False)
    _begins_s: tuple[float, ...] = field(init=False, repr=False, compare=False)
    _ends: tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        pieces = _pieces(self.segments)
        object.__setattr__(self, "_pieces", pieces)
        object.__setattr__(self, "_begins_s", tuple(piece.begin_s for piece in pieces))
        object.__setattr__(self, "_ends", tuple(piece.end for piece in pieces))

    @property
    def duration_s(self) -> float | None:
        """Its length; None if endless."""
        last_s = self._pieces[-1].end_s
        return None if math.isinf(last_s) else last_s

    @property
    def total(self) -> float:
        """The total number of arrivals, including a fraction at the end; may be infinite."""
        return self._ends[-1]

    @property
    def peak(self) -> float:
        """Its highest rate, per second."""
        return float(max(max(segment.from_rate, segment.to_rate) for segment in self.segments))

    def rate_at(self, elapsed_s: float) -> float:
        """The rate in arrivals per second at a moment of the run."""
        piece = self._at(elapsed_s)
        if not piece.begin_s <= elapsed_s < piece.end_s:
            return 0.0
        return piece.rate + piece.slope * (elapsed_s - piece.begin_s)

    def expected(self, elapsed_s: float) -> float:
        """The number of arrivals due before a moment of the run: the integral of the rate."""
        piece = self._at(elapsed_s)
        inside_s = elapsed_s - piece.begin_s
        if inside_s <= 0:
            return piece.before
        if elapsed_s >= piece.end_s:
            return piece.end
        grown = piece.before + inside_s * (piece.rate + piece.slope * inside_s / 2)
        return min(grown, piece.end)

    def due_at(self, position: float) -> float:
        """When the arrival at `position` is due, in s; inverts `expected`. ValueError if never."""
        number = bisect_right(self._ends, position)
        if number == len(self._ends) or position < 0:
            raise ValueError(f"the plan has no arrival at {position}: it has {self.total}")
        piece = self._pieces[number]
        inside = position - piece.before
        # Solves rate * t + slope / 2 * t² = inside, in the form that avoids cancellation.
        root = math.sqrt(max(0.0, piece.rate * piece.rate + 2 * piece.slope * inside))
        if inside <= 0 or not piece.rate + root:
            # All earlier arrivals precede a pause, so this one is due when the pause ends.
            return piece.begin_s
        return min(piece.begin_s + 2 * inside / (piece.rate + root), piece.end_s)

    def until(self, seconds: float) -> "RatePlan":
        """The plan cut off after `seconds`."""
        left, kept = Fraction(seconds), []
        for segment in self.segments:
            if segment.duration_s is not None and segment.duration_s <= left:
                kept.append(segment)
                left -= segment.duration_s
            elif left > 0:
                kept.append(segment.until(left))
                break
        return RatePlan(tuple(kept))

    def _at(self, elapsed_s: float) -> _Piece:
        return self._pieces[max(0, bisect_right(self._begins_s, elapsed_s) - 1)]


def parse_rate(text: str) -> RatePlan:
    """Parse a plan. UsageError names the invalid part."""
    parts = [part.strip() for part in text.split(",")]
    segments = [_segment(part) for part in parts]
    for part, segment in zip(parts[:-1], segments[:-1], strict=True):
        if segment.duration_s is None:
            raise UsageError(
                f"--rate: {part!r} needs a time, such as {part}:1m, unless it comes last"
            )
    if not any(segment.from_rate or segment.to_rate for segment in segments):
        raise UsageError(f"--rate must be above 0 at some time, got {text!r}")
    return RatePlan(tuple(segments))


def _segment(part: str) -> RateSegment:
    rates, colon, time = part.partition(":")
    first, ramp, last = rates.partition("..")
    begin = _rate(first, part)
    end = _rate(last, part) if ramp else begin
    if not colon and ramp:
        raise UsageError(f"--rate: the ramp {part!r} needs a time, such as {part}:1m")
    return RateSegment(begin, end, _time_s(time, part) if colon else None)


def _rate(text: str, part: str) -> Fraction:
    match = _RATE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"--rate must be {_FORM}, with /s, /m or /h; got {part!r}")
    return Fraction(match[1]) / _UNIT_S[match[2]]


def _time_s(text: str, part: str) -> Fraction:
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"--rate must have times such as 30s, 2m or 1h30m, got {part!r}")
    hours, minutes, seconds = (Fraction(group or 0) for group in match.groups())
    time_s = hours * 3600 + minutes * 60 + seconds
    if not time_s:
        raise UsageError(f"--rate must have times above 0, got {part!r}")
    return time_s


def _pieces(segments: tuple[RateSegment, ...]) -> tuple[_Piece, ...]:
    pieces, begin_s, before = [], Fraction(0), Fraction(0)
    for segment in segments:
        length_s, total = segment.duration_s, segment.total
        slope = (segment.to_rate - segment.from_rate) / length_s if length_s else Fraction(0)
        pieces.append(
            _Piece(
                begin_s=float(begin_s),
                before=float(before),
                end=math.inf if total is None else float(before + total),
                end_s=math.inf if length_s is None else float(begin_s + length_s),
                rate=float(segment.from_rate),
                slope=float(slope),
            )
        )
        begin_s, before = begin_s + (length_s or 0), before + (total or 0)
    return tuple(pieces)
