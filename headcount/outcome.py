"""Outcomes: what a generator knows of an attempt once its request is over.

- acked: the service answered 2xx, so it has promised that the event is in the topic.
- failed: the event was provably not published: the connection was refused or the host has no
  address, the service answered 4xx, or a 503 with `Retry-After`, which promises so.
- indeterminate: everything else. A time-out is not a failure: the broker may still hold the event.
"""

import socket
from enum import StrEnum
from http import HTTPStatus


class Outcome(StrEnum):
    """What the generator knows; the order is that of the codes in the ledger."""

    ACKED = "acked"
    FAILED = "failed"
    INDETERMINATE = "indeterminate"


def of_status(status: int, *, retry_after: bool) -> Outcome:
    """Tell the outcome of an answer from its status and whether it carried `Retry-After`."""
    if 200 <= status < 300:  # noqa: PLR2004 - the class of successful answers
        return Outcome.ACKED
    if 400 <= status < 500:  # noqa: PLR2004 - the class of refused requests
        return Outcome.FAILED
    if status == HTTPStatus.SERVICE_UNAVAILABLE and retry_after:
        return Outcome.FAILED
    return Outcome.INDETERMINATE


def of_error(error: BaseException) -> Outcome:
    """Tell the outcome of a request that got no answer."""
    never_sent = isinstance(error, ConnectionRefusedError | socket.gaierror)
    return Outcome.FAILED if never_sent else Outcome.INDETERMINATE
