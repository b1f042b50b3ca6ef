"""Id placement: puts the id into a request that takes Locust's own path."""

from typing import Any

from locust.contrib.fasthttp import FastResponse, LocustBadStatusCode

from headcount.plugin.event_id import IN_URL, has_mark, with_id
from headcount.plugin.http.client import LedgerUserAgent
from headcount.plugin.http.id_header_value import value_of


def place_id(url: str, keywords: dict[str, Any], client: LedgerUserAgent, event_id: str) -> str:
    """Put the id into the keywords of a request and into its header; return the URL with it."""
    own = {name.lower() for name in keywords["headers"]}
    placed = [(name, text) for name, text in client.default_headers.items() if has_mark(text)]
    keywords["headers"].update({name: text for name, text in placed if name.lower() not in own})
    for name, value in keywords.items():
        keywords[name] = with_id(value, event_id)
    keywords["headers"][client.id_header] = value_of(client.id_header, event_id)
    return url.replace(IN_URL, event_id)


def hide_id_in_error(response: FastResponse, url: str, event_id: str) -> None:
    """Remove the id from the URL in a bad status's error, so that Locust merges equal errors."""
    error: Any = getattr(response, "error", None)
    if isinstance(error, LocustBadStatusCode) and event_id in str(error.url):
        error.url = url
