"""Payloads: what a request sends, if it is a text or bytes."""

from headcount.plugin.event_id import MARK, MARK_BYTES

Payload = str | bytes | None

PLAIN_KEYWORDS = frozenset(
    {"event", "event_type", "changes", "name", "catch_response", "context"}
    | {"data", "json", "headers", "auth", "allow_redirects"}  # redirects are never followed
)
"""The keywords that a plain request may have."""


def body_of(payload: Payload) -> bytes:
    """Return the bytes of a payload."""
    return payload.encode() if isinstance(payload, str) else payload or b""


def in_payload(payload: Payload, event_id: str) -> Payload:
    """Put the id into its places in a payload."""
    if isinstance(payload, str):
        return payload.replace(MARK, event_id)
    return None if payload is None else payload.replace(MARK_BYTES, event_id.encode())
