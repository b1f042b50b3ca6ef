"""JSON: a message is one object, and is compared whole, or at `--compare-at`."""

from headcount_analysis.formats.compared_object import compared_place
from headcount_analysis.formats.message_format import FormatOptions, IdText, MessageFormat
from headcount_analysis.messages.json_message import ParsedMessage, parse
from headcount_analysis.messages.record import Record


class JsonFormat:
    """Messages in JSON."""

    id_text = IdText.JSON
    context_headers: tuple[str, ...] = ()
    required_headers: tuple[str, ...] = ()
    compares_content = True

    def __init__(self, options: FormatOptions) -> None:
        self._compared = compared_place(options.compare_at)
        self.is_whole = not options.compare_at

    def decode(self, record: Record) -> ParsedMessage:
        """Decode a record."""
        parsed = parse(record.value)
        return parsed if self.is_whole else self._compared.within(parsed)


def is_plain_json(message_format: MessageFormat) -> bool:
    """Whether a format's event is the whole message as it was parsed."""
    return type(message_format) is JsonFormat and message_format.is_whole
