"""An attempt: a request that is accounted for, from its first byte to how it ended."""

from dataclasses import dataclass
from typing import NamedTuple

from headcount.run.outcome import Outcome
from headcount.run.state_changes import Changes


class LedgerFailedError(Exception):
    """The ledger cannot be written, so the test would prove nothing."""


class ReportedDelivery(NamedTuple):
    """What an answer reports beside its status: where the event is, and which process answered."""

    partition: int | None = None
    offset: int | None = None
    server: str | None = None


NOTHING_REPORTED = ReportedDelivery()


class Ending(NamedTuple):
    """How an attempt ended: when and with what status it was answered, or its error."""

    answered_at_ns: int | None
    status: int | None
    outcome: Outcome
    error: str | None
    delivery: ReportedDelivery = NOTHING_REPORTED
    ended_at_ns: int | None = None


@dataclass(slots=True)
class Attempt:
    """An attempt under way; not frozen, because one is made for every request.

    `ending` is set where the request is over and the scenario still may say what came of it.
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
