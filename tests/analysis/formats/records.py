"""Records for tests of formats."""

from headcount_analysis.formats.catalogue import format_of
from headcount_analysis.formats.message_format import MessageFormat
from headcount_analysis.messages.record import Record

from headcount.run.message_format import FormatSettings

Headers = tuple[tuple[str, bytes | None], ...]


def record(value: bytes | None, *headers: tuple[str, bytes | None]) -> Record:
    """Make a record with a value and headers."""
    return Record("events", 0, 0, value=value, headers=headers)


def made(name: str, compare_at: str = "") -> MessageFormat:
    """Make a format that needs no registry."""
    return format_of(FormatSettings(name, compare_at))
