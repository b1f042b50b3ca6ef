"""HTTP URLs: tells whether a text is one. Pure."""

import re
from urllib.parse import urlsplit

_NEITHER_SPACE_NOR_CONTROL = re.compile(r"[^\s\x00-\x1f\x7f]+")


def is_http_url(text: str) -> bool:
    """Return whether a text is a URL over HTTP or HTTPS, with a host."""
    if not _NEITHER_SPACE_NOR_CONTROL.fullmatch(text):
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # such as a port that is not a number
        return False
