"""Secret names: recognizes, by their names, options and fields whose values are never shown."""

import re

LEFT_OUT = "(left out)"
"""Stands for a value that may be secret."""

_SECRET = re.compile(r"pass|secret|token|credential|api.?key", re.IGNORECASE)


def is_secret(name: str) -> bool:
    """Whether the value with this name may be secret."""
    return _SECRET.search(name) is not None
