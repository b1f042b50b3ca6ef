"""Moments and durations as readers say them: clock times in UTC, minutes, hours."""

from datetime import UTC, datetime

from headcount.time_span import span_text

_MINUTE_S, _HOUR_S = 60, 3600
_SHORT_NS = 2_000_000_000
_LONGEST_IN_SECONDS_S = 2 * _MINUTE_S


def clock(at_ns: int) -> str:
    """Format a Unix time as a clock time in UTC, to the ms."""
    return _utc(at_ns).strftime("%H:%M:%S.%f")[:-3]


def between(first_ns: int, last_ns: int) -> str:
    """Format a span by its first and last moment, such as `11:50:44 to 11:50:51 UTC`.

    One of less than two seconds has ms.
    """
    if first_ns == last_ns:
        return f"{clock(first_ns)} UTC"
    if last_ns - first_ns < _SHORT_NS:
        return f"{clock(first_ns)} to {clock(last_ns)} UTC"
    first, last = (clock(time_ns)[:-4] for time_ns in (first_ns, last_ns))
    if _utc(first_ns).date() != _utc(last_ns).date():
        last = f"{_utc(last_ns):%Y-%m-%d} {last}"
    return f"{first} to {last} UTC"


def duration(seconds: float) -> str:
    """Format a duration: up to two minutes in s, then in minutes, then in hours."""
    if seconds < _LONGEST_IN_SECONDS_S:
        return span_text(round(seconds, 1))
    minutes, rest_s = divmod(round(seconds), _MINUTE_S)
    if seconds < 2 * _HOUR_S:
        return f"{minutes} min {rest_s} s" if rest_s else f"{minutes} min"
    hours, minutes = divmod(minutes, _MINUTE_S)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def _utc(at_ns: int) -> datetime:
    return datetime.fromtimestamp(at_ns / 1e9, UTC)
