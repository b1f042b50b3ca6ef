"""Idempotency: a repeated request gets the stored result of the first one.

The header `X-Event-Id` identifies the request. The transaction that changes the state also stores
the result. A repeated request must have the same parameters: their fingerprints are compared.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

from headcount_service.errors import Refused, RequestError
from headcount_service.game.storage.outbox import RepeatedEventUnpublished
from headcount_service.game.storage.tables import answers, events
from headcount_service.publish.protocols import RecordPosition

HEADER = "X-Event-Id"
MAX_LENGTH = 200
_EVENT_ID = re.compile(f"[!-~]{{1,{MAX_LENGTH}}}")
_BAD_REQUEST, _UNPROCESSABLE = 400, 422


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The result of a command: status, body and, if it published an event, the event's place."""

    status: int
    body: Mapping[str, Any]
    place: RecordPosition | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """A request's `X-Event-Id`, and a digest of its command and parameters."""

    event_id: str
    fingerprint: str


def identity(
    event_id: str | None, command_name: str, parameters: Mapping[str, Any]
) -> Identity | None:
    """Return the identity of a request; None if it has no `X-Event-Id`.

    Raises:
        RequestError: 400, if the header is too long or has invalid characters.
    """
    if event_id is None:
        return None
    if _EVENT_ID.fullmatch(event_id) is None:
        raise RequestError(
            _BAD_REQUEST, f"{HEADER} must be 1 to {MAX_LENGTH} visible ASCII characters."
        )
    content = json.dumps([command_name, parameters], sort_keys=True)
    return Identity(event_id, hashlib.sha256(content.encode()).hexdigest())


def stored_result(connection: Connection, identity: Identity) -> CommandResult | None:
    """Return the result stored for an identity; None if the request is new.

    Raises:
        RequestError: 422, if a different request had the same `X-Event-Id`.
        RepeatedEventUnpublished: The event of the first request is not published yet.
    """
    query = (
        select(answers, events.c.leased_until_ms, events.c.topic_partition, events.c.topic_offset)
        .outerjoin(events, answers.c.event == events.c.id)
        .where(answers.c.event_id == identity.event_id)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    if row.fingerprint != identity.fingerprint:
        raise RequestError(_UNPROCESSABLE, f"A different request has already used this {HEADER}.")
    if row.leased_until_ms is not None:
        raise RepeatedEventUnpublished
    is_placed = row.topic_partition is not None
    place = RecordPosition(row.topic_partition, row.topic_offset) if is_placed else None
    return CommandResult(row.status, json.loads(row.body), place)


def store_result(
    connection: Connection, identity: Identity, result: CommandResult, event: int | None
) -> None:
    """Store a result. Raises IntegrityError if a concurrent request had the same identity."""
    connection.execute(
        insert(answers).values(
            event_id=identity.event_id,
            fingerprint=identity.fingerprint,
            status=result.status,
            body=json.dumps(result.body),
            event=event,
        )
    )


def refusal_result(refusal: Refused) -> CommandResult:
    """Convert a refusal to the result of its request."""
    return CommandResult(refusal.status, {"detail": refusal.detail})
