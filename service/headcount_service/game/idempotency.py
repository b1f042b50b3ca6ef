"""Answers: what a request with an identity was told, so that one that is repeated is told the same.

The identity is the request's `X-Event-Id`. The answer is written in the transaction that it tells
of. A repeated request must ask for the same: its fingerprint is compared.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

from headcount_service.errors import Refused, RequestError
from headcount_service.game.outbox import EarlierEventUnpublished
from headcount_service.game.tables import answers, events
from headcount_service.publish.protocols import RecordPosition

HEADER = "X-Event-Id"
MAX_LENGTH = 200
_EVENT_ID = re.compile(f"[!-~]{{1,{MAX_LENGTH}}}")
_BAD_REQUEST, _UNPROCESSABLE = 400, 422


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a request is told: a status, a body and, where it made an event, the event's place."""

    status: int
    body: Mapping[str, Any]
    place: RecordPosition | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """A request's identity, and a digest of what it asks for."""

    event_id: str
    fingerprint: str


def identity(event_id: str | None, act: str, asked: Mapping[str, Any]) -> Identity | None:
    """The identity of a request; None if it gives none.

    Raises:
        RequestError: 400, when it is too long to be kept, or cannot be.
    """
    if event_id is None:
        return None
    if _EVENT_ID.fullmatch(event_id) is None:
        raise RequestError(
            _BAD_REQUEST, f"{HEADER} must be 1 to {MAX_LENGTH} visible ASCII characters."
        )
    content = json.dumps([act, asked], sort_keys=True)
    return Identity(event_id, hashlib.sha256(content.encode()).hexdigest())


def stored_result(connection: Connection, asked: Identity) -> CommandResult | None:
    """The answer that was given to this identity; None if this is the first time.

    Raises:
        RequestError: 422, when the identity was another request's.
        EarlierUnpublished: The answer waits for its event to be published.
    """
    query = (
        select(answers, events.c.leased_until_ms, events.c.topic_partition, events.c.topic_offset)
        .outerjoin(events, answers.c.event == events.c.id)
        .where(answers.c.event_id == asked.event_id)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    if row.fingerprint != asked.fingerprint:
        raise RequestError(
            _UNPROCESSABLE,
            f"{HEADER} is that of another request before.",
        )
    if row.leased_until_ms is not None:
        raise EarlierEventUnpublished
    is_placed = row.topic_partition is not None
    place = RecordPosition(row.topic_partition, row.topic_offset) if is_placed else None
    return CommandResult(row.status, json.loads(row.body), place)


def store_result(
    connection: Connection, asked: Identity, answer: CommandResult, event: int | None
) -> None:
    """Keep an answer. Raises IntegrityError if another request had the same identity meanwhile."""
    connection.execute(
        insert(answers).values(
            event_id=asked.event_id,
            fingerprint=asked.fingerprint,
            status=answer.status,
            body=json.dumps(answer.body),
            event=event,
        )
    )


def refusal_result(refusal: Refused) -> CommandResult:
    """What a refused request is told."""
    return CommandResult(refusal.status, {"detail": refusal.detail})
