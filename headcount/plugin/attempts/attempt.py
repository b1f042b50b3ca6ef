"""An attempt: a request that is accounted for, from its start to its end."""

from dataclasses import dataclass
from typing import NamedTuple

from headcount.run.request_outcome import Outcome
from headcount.run.state_changes import Changes


class LedgerFailedError(Exception):
    """The ledger cannot be written, so the test would prove nothing."""


class ReportedDelivery(NamedTuple):
    """What a response reports beyond its status: the event's position, and the server process."""

    partition: int | None = None
    offset: int | None = None
    server: str | None = None


NOTHING_REPORTED = ReportedDelivery()


class Ending(NamedTuple):
    """How an attempt ended: the time and status of its response, or its error."""

    answered_at_ns: int | None
    status: int | None
    outcome: Outcome
    error: str | None
    delivery: ReportedDelivery = NOTHING_REPORTED
    ended_at_ns: int | None = None


@dataclass(slots=True)
class Attempt:
    """An attempt in flight; not frozen, for speed, because every request creates one.

    `ending` is set while the request has ended and the scenario may still set its outcome.
    """

    seq: int
    event_id: str
    event_type: str
    scenario_user: str
    shape: str
    digest: int
    intended_at_ns: int
    sent_at_ns: int
    changes: Changes | None = None
    asked: str | None = None
    ending: Ending | None = None
