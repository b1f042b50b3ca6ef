"""Durations as people say them: in seconds, minutes or hours."""

from headcount.time_span import span_text

_MINUTE_S, _HOUR_S = 60, 3600
_LONGEST_IN_SECONDS_S = 2 * _MINUTE_S


def duration(seconds: float) -> str:
    """Format a duration: up to two minutes in s, then in minutes, then in hours."""
    if seconds < _LONGEST_IN_SECONDS_S:
        return span_text(round(seconds, 1))
    minutes, rest_s = divmod(round(seconds), _MINUTE_S)
    if seconds < 2 * _HOUR_S:
        return f"{minutes} min {rest_s} s" if rest_s else f"{minutes} min"
    hours, minutes = divmod(minutes, _MINUTE_S)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
