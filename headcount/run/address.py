"""Addresses that are safe to show and to write: without the parts that may be secret."""

import re

_USER = re.compile(r"(?<=://)[^/?#\s]*@")
_QUERY = re.compile(r"\?.*")


def without_secrets(url: str) -> str:
    """Return a URL without user, password and query, all of which may be secret."""
    return _QUERY.sub("", _USER.sub("", url))
