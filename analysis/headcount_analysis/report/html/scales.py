"""Scales: where values lie on an axis, and its ticks. Pure."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

SPREAD = 20
"""A scale of durations is logarithmic if the maximum is more than this many times the median."""

_STEPS_S = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10_800, 21_600, 43_200, 86_400),
)
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400
_LATEST_S = 4_102_444_800  # the year 2100
_WIDE_DECADES = 1.6
_APART_DECADES = 0.25


@dataclass(frozen=True, slots=True)
class Tick:
    """A tick: its value, its label, and the label of a second row."""

    value: float
    label: str
    second: str = ""


@dataclass(frozen=True, slots=True)
class Scale:
    """A scale from `low` to `high`; a logarithmic one has only positive values."""

    low: float
    high: float
    ticks: tuple[Tick, ...] = ()
    is_log: bool = False

    def share(self, value: float) -> float:
        """Return where a value lies: 0 at the low end, 1 at the high end."""
        if self.is_log:
            low, high = math.log(self.low), math.log(self.high)
            return (math.log(max(value, self.low)) - low) / (high - low)
        return (value - self.low) / (self.high - self.low)


def value_scale(values: Iterable[float], unit: str, least_top: float = 0.0) -> Scale:
    """Choose the scale of values; it is logarithmic if outliers would hide typical durations.

    A linear scale begins at 0, or below if there are negative values, and reaches `least_top`.
    """
    ordered = sorted(values)
    low, high = (ordered[0], ordered[-1]) if ordered else (0.0, 0.0)
    typical = ordered[len(ordered) // 2] if ordered else 0.0
    if unit == "ms" and low > 0 and high > SPREAD * typical:
        return _log_scale(low, high)
    return _linear_scale(min(low, 0.0), max(high, least_top))


def _linear_scale(low: float, high: float) -> Scale:
    step = _nice_step((high - low) / 4)
    first, last = math.floor(low / step + 1e-9), max(1, math.ceil(high / step - 1e-9))
    ticks = [number * step for number in range(first, last + 1)]
    return Scale(ticks[0], ticks[-1], tuple(Tick(tick, short(tick)) for tick in ticks))


def _nice_step(rough: float) -> float:
    """Round a step up to 1, 2 or 5 times a power of ten; from 10 on, 2.5 times is allowed, too."""
    if rough <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    steps = (1, 2, 2.5, 5, 10) if power >= 10 else (1, 2, 5, 10)  # noqa: PLR2004
    return next(nice * power for nice in steps if nice * power >= rough * 0.999)


def _log_scale(low: float, high: float) -> Scale:
    bounds = list(_one_two_five(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1))
    start = max(bound for bound in bounds if bound <= low)
    end = min(bound for bound in bounds if bound >= high)
    is_narrow = math.log10(end / start) <= _WIDE_DECADES
    powers = [bound for bound in bounds if round(math.log10(bound), 6).is_integer()]
    far = [edge for edge in (start, end) if all(_is_far(edge, power) for power in powers)]
    kept = bounds if is_narrow else sorted({*powers, *far})
    ticks = [bound for bound in kept if start <= bound <= end]
    return Scale(start, end, tuple(Tick(tick, short(tick)) for tick in ticks), is_log=True)


def _is_far(end: float, power: float) -> bool:
    """Return whether the labels of an end of the scale and of a power of ten do not overlap."""
    return abs(math.log10(end / power)) > _APART_DECADES


def _one_two_five(first_power: int, last_power: int) -> Iterator[float]:
    for power in range(first_power, last_power + 1):
        for factor in (1, 2, 5):
            yield factor * 10.0**power


def short(value: float) -> str:
    """Format a number of an axis in few characters."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            divisor = 1e3 if letter == "k" else size
            return f"{value / divisor:,.4g}{letter}"
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"  # noqa: PLR2004


def time_ticks(low_s: float, high_s: float, most: int, first_ns: int | None) -> tuple[Tick, ...]:
    """Choose ticks at whole seconds of the clock, labelled in UTC and in time from the start.

    Args:
        low_s: The first second of the axis, from the start.
        high_s: The last.
        most: The largest number of ticks.
        first_ns: The start in Unix time; None if the axis has no clock.
    """
    step = next((step_s for step_s in _STEPS_S if (high_s - low_s) / step_s < most), 0)
    step = step or _DAY_S * math.ceil((high_s - low_s) / _DAY_S / (most - 1))
    start_s = 0 if first_ns is None else first_ns // 1_000_000_000 % (10 * _LATEST_S)
    first = math.ceil((start_s + low_s) / step)
    last = math.floor((start_s + high_s) / step)
    places = [number * step - start_s for number in range(first, last + 1)]
    if first_ns is None:
        return tuple(Tick(place, from_start(place)) for place in places)
    return tuple(Tick(place, clock(start_s + place, step), from_start(place)) for place in places)


def clock(unix_s: float, step_s: float = 1) -> str:
    """Format a time of day in UTC; a tick at midnight has its date instead."""
    at = datetime.fromtimestamp(0, UTC) + timedelta(seconds=min(unix_s, _LATEST_S))
    if step_s >= _DAY_S or (step_s > _MINUTE_S and at.hour == at.minute == 0):
        return f"{at:%b} {at.day}"
    return f"{at:%H:%M}" if step_s >= _MINUTE_S else f"{at:%H:%M:%S}"


def from_start(seconds: float) -> str:
    """Format a time from the start: +5 s, +2:30 min, +1:05 h or +3 d."""
    sign, size = "-" if seconds < 0 else "+", abs(round(seconds))
    if size < 2 * _MINUTE_S:
        return f"{sign}{size} s"
    if size < _HOUR_S:
        minutes, rest = divmod(size, _MINUTE_S)
        return f"{sign}{minutes}:{rest:02} min" if rest else f"{sign}{minutes} min"
    if size >= 2 * _DAY_S:
        return f"{sign}{size // _DAY_S} d"
    hours, minutes = divmod(size // _MINUTE_S, 60)
    return f"{sign}{hours}:{minutes:02} h"


def rarity_ticks(highest: float) -> tuple[Tick, ...]:
    """Return ticks for percentiles on an axis on which each step of 1 is ten times rarer.

    0 is the minimum, 1 is p90, 2 is p99, and so on up to `highest`.
    """
    labels = {2.0: "p50", 10.0: "p90", 20.0: "p95"}
    labels |= {10.0**nines: f"p{100 - 100 / 10**nines:.{nines - 2}f}" for nines in range(2, 10)}
    ticks = (Tick(math.log10(rarity), label) for rarity, label in labels.items())
    return tuple(tick for tick in ticks if tick.value <= highest)


def spaced(places: Iterable[float], apart: float) -> Iterator[float]:
    """Leave out places that are less than `apart` from the one before."""
    last = -math.inf
    for place in places:
        if place - last >= apart:
            yield place
            last = place
