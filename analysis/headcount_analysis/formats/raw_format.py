"""Raw: any bytes; none of their content is compared."""

from headcount.errors import UsageError
from headcount_analysis.formats.message_format import FormatOptions, IdText
from headcount_analysis.messages.json_message import ParsedMessage
from headcount_analysis.messages.record import Record

_NO_FIELDS = ParsedMessage(event={})


class RawFormat:
    """Messages whose content is unknown; their ids are in headers or keys."""

    id_text = IdText.NONE
    context_headers: tuple[str, ...] = ()
    required_headers: tuple[str, ...] = ()
    compares_content = False

    def __init__(self, options: FormatOptions) -> None:
        if options.compare_at:
            raise UsageError("--format raw compares no content: leave --compare-at out")

    def decode(self, record: Record) -> ParsedMessage:  # noqa: ARG002 - the same for any record
        """Return an event without fields."""
        return _NO_FIELDS
