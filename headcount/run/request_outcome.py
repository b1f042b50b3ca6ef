"""Outcomes: what a generator knows of an attempt once its request is over.

- acked: the service answered 2xx, so it has promised that the event is in the topic.
- failed: the event was provably not published: the connection was refused, the host has no address,
  or the service answered 4xx, or 503 with `Retry-After`, which promises the same.
- indeterminate: everything else. A time-out is not a failure: the broker may still hold the event.
  Nor are those 4xx that a service, or a proxy in front of it, may return after publishing.

A scenario (see `plugin/http/response.py`) or a rule (see `outcome_rules.py`) can decide otherwise.
If that decision is wrong, attempts show as ghost or lost.
"""

import socket
from enum import StrEnum
from http import HTTPStatus

UNPROVEN = frozenset({408, 409, 425, 429, 499})
"""Statuses that a retry or a time-out can also cause: the first try may have published."""

REDIRECTS = frozenset({301, 302, 303, 307, 308})
"""Statuses that name another address."""


class Outcome(StrEnum):
    """What the generator knows; the order is that of the codes in the ledger."""

    ACKED = "acked"
    FAILED = "failed"
    INDETERMINATE = "indeterminate"


OUTCOMES = " or ".join((", ".join(list(Outcome)[:-1]), list(Outcome)[-1]))
"""The outcomes, in words."""


def of_status(status: int, *, retry_after: bool) -> Outcome:
    """Return the outcome of a response by its status and whether it had `Retry-After`."""
    if 200 <= status < 300:  # noqa: PLR2004 - the class of successful responses
        return Outcome.ACKED
    if 400 <= status < 500 and status not in UNPROVEN:  # noqa: PLR2004 - refused requests
        return Outcome.FAILED
    if status == HTTPStatus.SERVICE_UNAVAILABLE and retry_after:
        return Outcome.FAILED
    return Outcome.INDETERMINATE


def redirect_remedy(status: int) -> str:
    """Return what to do about a redirect; empty for any other status."""
    if status not in REDIRECTS:
        return ""
    return (
        "redirects are not followed, because a second request would have the same id: request the "
        "address that they lead to, or if they mean success, add "
        f"--outcome '{status} = {Outcome.ACKED}'"
    )


def of_failure(outcome: Outcome) -> Outcome:
    """Return the outcome of a response that the scenario calls a failure, or left undecided.

    An acknowledgement then proves nothing; failed and indeterminate stay unchanged.
    """
    return Outcome.INDETERMINATE if outcome is Outcome.ACKED else outcome


def parse_outcome(value: object) -> Outcome:
    """Parse an outcome that a scenario sets. ValueError names the valid ones."""
    try:
        return Outcome(value)  # type: ignore[arg-type] # checked here
    except ValueError:
        raise ValueError(f"an outcome must be {OUTCOMES}, got {value!r}") from None


def of_error(error: BaseException, *, is_unsent: bool) -> Outcome:
    """Return the outcome of a request that got no response.

    `is_unsent` says that no connection was opened for it.
    """
    is_failed = is_unsent and isinstance(error, ConnectionRefusedError | socket.gaierror)
    return Outcome.FAILED if is_failed else Outcome.INDETERMINATE
