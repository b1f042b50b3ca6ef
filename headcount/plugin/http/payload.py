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
    """Return a payload in which the id replaces EVENT_ID."""
    if isinstance(payload, str):
        return payload.replace(MARK, event_id)
    return None if payload is None else payload.replace(MARK_BYTES, event_id.encode())
