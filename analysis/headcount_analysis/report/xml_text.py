"""XML text: makes any text valid in XML."""

import re

# The characters that XML 1.0 does not allow (section 2.2 of its specification).
_NOT_ALLOWED = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_xml(text: str) -> str:
    """Replace each character that XML does not allow by U+FFFD."""
    return _NOT_ALLOWED.sub("\ufffd", text)
