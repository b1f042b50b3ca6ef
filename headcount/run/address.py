"""Addresses as they may be shown and written: what may be secret in them is left out."""

import re

_USER = re.compile(r"(?<=://)[^/?#\s]*@")
_QUERY = re.compile(r"\?.*")


def without_secrets(url: str) -> str:
    """Give an address without a user, a password and a query, all of which may be secret."""
    return _QUERY.sub("", _USER.sub("", url))
