"""Times for readers: in UTC, to the second. Pure."""

from datetime import UTC, datetime


def clock_text(iso: str) -> str:
    """Format a time in ISO 8601 as `2026-11-30 10:49:31 UTC`; unchanged if it is none."""
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
