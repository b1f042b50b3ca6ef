"""Times for readers, in UTC. Pure."""

from datetime import UTC, datetime

_NS_PER_S, _NS_PER_MS, _MS_PER_S = 1_000_000_000, 1_000_000, 1_000
_SHORT_NS = 2_000_000_000
"""The times of shorter spans are formatted with milliseconds."""


def clock_text(iso: str) -> str:
    """Format a time in ISO 8601 as `2026-11-30 10:49:31 UTC`; any other text stays as it is."""
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def unix_ns(iso: str) -> int:
    """Convert a time in ISO 8601 to Unix time in ns. Raises ValueError."""
    return int(datetime.fromisoformat(iso).timestamp() * _NS_PER_S)


def from_unix_ns(at_ns: int) -> datetime:
    """Convert a Unix time in ns, truncated to whole milliseconds."""
    return datetime.fromtimestamp(at_ns // _NS_PER_MS / _MS_PER_S, UTC)


def between(first_ns: int, last_ns: int) -> str:
    """Format a span by its first and last moment, such as `11:50:44 to 11:50:51 UTC`.

    A span of less than two seconds has ms; one that ends on another day names that day.
    """
    first, last = from_unix_ns(first_ns), from_unix_ns(last_ns)
    unit = "milliseconds" if last_ns - first_ns < _SHORT_NS else "seconds"
    from_text, to_text = (moment.time().isoformat(timespec=unit) for moment in (first, last))
    if first_ns == last_ns:
        return f"{from_text} UTC"
    if first.date() != last.date():
        to_text = f"{last:%Y-%m-%d} {to_text}"
    return f"{from_text} to {to_text} UTC"
