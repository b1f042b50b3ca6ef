"""XML: texts from anywhere, as it can write them."""

import re

# What XML 1.0 has no way to write (section 2.2 of its specification).
_UNSPEAKABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_xml(text: str) -> str:
    """Put a replacement character in the place of each that XML cannot write."""
    return _UNSPEAKABLE.sub("\ufffd", text)
