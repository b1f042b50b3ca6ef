"""Payloads: what a request's keywords say is sent, if it is a text or bytes."""

import json
from collections.abc import Mapping
from typing import Any

Payload = str | bytes | None


def payload_of(keywords: Mapping[str, Any]) -> tuple[Payload, bool]:
    """Return what is sent, and whether it is JSON that Locust's session would write.

    TypeError if it is neither text nor bytes, or if it cannot be written as JSON.
    """
    payload = keywords.get("data")
    if not payload and keywords.get("json") is not None:
        return json.dumps(keywords["json"]), True
    if payload and not isinstance(payload, str | bytes):
        raise TypeError(f"{type(payload).__name__} is neither text nor bytes")
    return payload, False


def body_of(payload: Payload) -> bytes:
    """Return the bytes of a payload."""
    return payload.encode() if isinstance(payload, str) else payload or b""
