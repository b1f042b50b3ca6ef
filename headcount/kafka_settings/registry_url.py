"""The URL of a schema registry, wherever it is set: an HTTP URL without a login or a query."""

import re
from typing import Final

from headcount.errors import UsageError
from headcount.http_url import is_http_url

OPTION: Final = "--schema-registry"

_QUERY = re.compile(r"[?#].*?(?=,\s*https?://|\Z)", re.DOTALL | re.IGNORECASE)
"""A query ends where another URL begins: it may contain commas, and what follows them is secret."""


def parse_registry_url(text: str, name: str = OPTION) -> str:
    """Return the URL without its query; an empty text is returned as it is.

    Several URLs of one registry are separated by commas. `name` is that of the option or setting.
    UsageError, which contains no secret, if one is not a URL over HTTP, or contains a login.
    """
    if "@" in text:
        raise UsageError(
            f"{name} must not contain a password, which every user could see: put user:password "
            "into the Kafka settings (--kafka-config) as schema.registry.basic.auth.user.info"
        )
    urls = [url.strip() for url in _QUERY.sub("", text).split(",")]
    wrong = [url for url in urls if not is_http_url(url)]
    if text and wrong:
        raise UsageError(f"{name} must be a URL such as https://registry:8081, got {wrong[0]!r}")
    return ",".join(urls)
