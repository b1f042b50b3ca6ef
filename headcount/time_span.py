"""Time spans as options write them: 500ms, 10s, 2m, 1h30m; a bare number is in seconds. Pure."""

import re

from headcount.errors import UsageError

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_SPAN = re.compile(rf"(?:{_PART.pattern})+|\d+(?:\.\d+)?")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds_of(name: str, text: str) -> float:
    """Parse a span to seconds. UsageError names the option and the rule."""
    text = text.strip()
    if not _SPAN.fullmatch(text):
        raise UsageError(f"{name} must be a time such as 500ms, 10s or 2m, got {text!r}")
    parts = _PART.findall(text)
    if not parts:
        return float(text)
    return sum(float(number) * _UNIT_S[unit] for number, unit in parts)


def span_text(seconds: float) -> str:
    """Format a span for readers: in ms below 0.1 s, else in s with at most one decimal."""
    if 0 < seconds < 0.1:  # noqa: PLR2004 - the smallest decimal of a second
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:,.1f} s" if seconds % 1 else f"{seconds:,.0f} s"
