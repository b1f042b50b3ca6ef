"""The recorder: assigns each attempt its id before it is sent, and records its outcome afterwards.

Each generator has one recorder per run. Reservations and segments are written by two separate
threads, so that disk work never blocks other users' requests, and a reservation never waits for a
segment.
"""

import itertools
import time
from collections.abc import Callable, Mapping

from headcount.errors import HeadcountError, UsageError
from headcount.ledger.endpoints import EndpointRecord
from headcount.ledger.event_digest import describe
from headcount.ledger.event_errors import REFUSED
from headcount.ledger.event_types import check_event_type
from headcount.ledger.generator_health import Health
from headcount.ledger.http_phases import PhaseRecord
from headcount.ledger.schema import Seal
from headcount.ledger.shortfall import Counter as ShortfallCounter
from headcount.ledger.writer import LedgerWriter
from headcount.monitor.progress_counter import ProgressCounter
from headcount.open_model.arrival_counts import Arrivals
from headcount.open_model.user_pool import UserPool
from headcount.plugin.attempts.attempt import (
    NOTHING_REPORTED,
    Attempt,
    Ending,
    LedgerFailedError,
    ReportedDelivery,
)
from headcount.plugin.attempts.held_row import HeldRow
from headcount.plugin.attempts.refusal import not_comparable
from headcount.plugin.attempts.requested_event import has_id_field, is_marked, without_id_field
from headcount.plugin.attempts.segment_writer import SegmentWriter
from headcount.plugin.attempts.seq_reservation import SeqReservation
from headcount.plugin.event_id import SIGN, with_id
from headcount.run.id_form import IdForm, RunIds
from headcount.run.id_settings import IdSettings
from headcount.run.id_writer import id_writer
from headcount.run.outcome_rules import Rule
from headcount.run.request_outcome import Outcome
from headcount.run.state_changes import Changes, check

PLAIN_IDS = IdSettings()

_ACKED, _ACKED_TEXT = Outcome.ACKED, Outcome.ACKED.value  # cached, because enum attributes are slow


class Recorder(SeqReservation):
    """Reserves ids, tracks attempts in flight, and writes rows in the background.

    `on_failure` is called once, with the first error that keeps the run from being accounted for.
    `clock_offset_ns` is an artificial clock skew, for tests. `pool` is set if the run has a rate,
    and counts its arrivals; `dropped` is the number of arrivals that could not start in time.
    `outcome_rules` map responses to outcomes, and `id_settings` say how ids are written.
    `shortfall` counts the requests that were not made. Of those that were made, `endpoints` records
    the paths, and `phases` how long each phase took.
    """

    def __init__(
        self,
        writer: LedgerWriter,
        on_failure: Callable[[HeadcountError], None],
        clock_offset_ns: int = 0,
        id_settings: IdSettings = PLAIN_IDS,
    ) -> None:
        super().__init__(writer, on_failure, id_settings.form)
        self.id_settings = id_settings
        self.pool: UserPool | None = None
        self.dropped = 0
        self.outcome_rules: tuple[Rule, ...] = ()
        self.shortfall = ShortfallCounter()
        self.endpoints = EndpointRecord()
        self.phases = PhaseRecord()
        self._in_flight: dict[int, Attempt] = {}
        self._prefix = f"{writer.tag}.{writer.generator}."
        ids = RunIds(writer.tag, id_settings.form)
        self._write_id = None if ids.form is IdForm.PLAIN else id_writer(ids, writer.generator)
        self._has_id_field = has_id_field(id_settings)
        self._owners = itertools.count()
        # Added to monotonic time, it gives a wall clock that steps of the system clock do not move.
        self.epoch_ns = time.time_ns() - time.monotonic_ns() + clock_offset_ns
        self._segments = SegmentWriter(writer, self._arrivals, self._cannot_write)
        self._batches = self._segments.batches

    @property
    def now_ns(self) -> int:
        """Unix time in ns, by this generator's clock."""
        return time.monotonic_ns() + self.epoch_ns

    @property
    def in_flight(self) -> int:
        """The number of attempts that have begun and not ended."""
        return len(self._in_flight)

    def attempts_in_flight(self) -> list[Attempt]:
        """The attempts that have begun and not ended, in the order of sending."""
        return list(self._in_flight.values())

    @property
    def attempted(self) -> int:
        """The number of attempts that have begun."""
        return self._next

    def count_into(self, counter: ProgressCounter) -> None:
        """Let a counter have the rows of all attempts that end from now on, in batches."""
        self._segments.on_chunk = counter.add

    def end_chunks(self) -> None:
        """Let the counter have the rows of all attempts that have ended."""
        self._segments.end_chunks()

    def write_health(self, health: Health) -> None:
        """Write this generator's health and other side files beside its ledger. OSError."""
        if self._sealed:
            return
        if self.pool is not None:
            self.shortfall.userless = self.pool.userless
        contents = (health, self.shortfall.shortfall, self.endpoints.endpoints, self.phases.phases)
        self._segments.write_health(*contents)

    def new_owner(self) -> str:
        """Return a new owner name, unique across runs and generators."""
        return f"{self._prefix}o{next(self._owners)}"

    def begin(
        self,
        event: Mapping[str, object],
        event_type: str,
        scenario_user: str,
        changes: Changes | None = None,
        due_at_ns: int | None = None,
    ) -> Attempt:
        """Begin an attempt; its id is reserved on disk before this returns.

        `due_at_ns` is when it should have been sent, by the monotonic clock; None means now.

        Raises LedgerFailedError, and stops the run, if the ledger can no longer be written, the
        event cannot be compared or its changes cannot be accounted for. No id is used up then.
        """
        try:
            check_event_type(event_type)
            compared, content, asked = describe(event)
            if self._has_id_field(compared):
                event = without_id_field(event, self.id_settings)
                compared, content, asked = describe(event)
            is_placed = SIGN in asked and is_marked(event, compared)  # a long event has SIGN, too
            if changes is not None:
                changes = Changes(changes.owner, dict(changes.by_thing))  # the caller may reuse it
                check(changes, self._prefix)
        except REFUSED as error:
            refused = not_comparable(scenario_user, event, event_type, error)
            raise self.refuse(refused) from None
        while self._next >= self._reserved:
            self._reserve()
        if self._reserved - self._next < self._block // 2:
            self._reserve_ahead()
        # No greenlet switch happens between the two, so that numbers and times have the same order.
        seq, now_ns = self._next, time.monotonic_ns() + self.epoch_ns
        self._next = seq + 1
        event_id = self._write_id(seq) if self._write_id else self._prefix + str(seq)
        if is_placed:
            compared, content, asked = describe(with_id(event, event_id))
        attempt = Attempt(
            seq,
            event_id,
            event_type,
            scenario_user,
            compared,
            content,
            now_ns if due_at_ns is None else due_at_ns + self.epoch_ns,
            now_ns,
            changes,
            asked,
        )
        self._in_flight[seq] = attempt
        return attempt

    def answered(
        self,
        attempt: Attempt,
        outcome: Outcome,
        status: int,
        delivery: ReportedDelivery = NOTHING_REPORTED,
    ) -> None:
        """Record the response to an attempt."""
        now_ns = time.monotonic_ns() + self.epoch_ns
        self._end(attempt, now_ns, status, outcome, None, delivery=delivery)

    def unanswered(self, attempt: Attempt, outcome: Outcome, error: str) -> None:
        """Record that an attempt has just ended without a response."""
        self._end(attempt, None, None, outcome, _writable(error), ended_at_ns=self.now_ns)

    def hold(
        self,
        attempt: Attempt,
        status: int,
        outcome: Outcome,
        error: str | None,
        delivery: ReportedDelivery,
    ) -> HeldRow:
        """Hold an attempt's row, so that the scenario can set its outcome.

        `error` is None if there was a response.
        """
        now_ns = time.monotonic_ns() + self.epoch_ns
        if error is None:
            attempt.ending = Ending(now_ns, status, outcome, None, delivery)
        else:
            text = _writable(error)
            attempt.ending = Ending(None, None, outcome, text, ended_at_ns=now_ns)
        return HeldRow(attempt, self._settle)

    def _settle(self, attempt: Attempt) -> None:
        ending, attempt.ending = attempt.ending, None
        assert ending is not None
        at_ns, status, outcome, error, delivery, ended_at_ns = ending
        self._end(
            attempt, at_ns, status, outcome, error, delivery=delivery, ended_at_ns=ended_at_ns
        )

    def refuse(self, refused: str) -> LedgerFailedError:
        """Stop the run because a request cannot be accounted for; return the error to raise."""
        self.shortfall.refused = self.shortfall.refused or refused
        return self.fail(UsageError(refused))

    def seal(self) -> Seal | None:
        """Write the remaining rows and the seal; None if already sealed, or if writing fails.

        Attempts still in flight become indeterminate.
        """
        if self._sealed or self._failure is not None:
            return None
        self._sealed = True
        self._reserved = self._next  # no attempt begins after this
        self._segments.stop()
        for attempt in list(self._in_flight.values()):
            if attempt.ending is not None:
                self._settle(attempt)
            else:
                error = "in flight when the generator ended"
                self.unanswered(attempt, Outcome.INDETERMINATE, error)
        try:
            return self._segments.seal(self._next)
        except OSError as error:
            self._cannot_write(error)
            return None

    def _end(
        self,
        attempt: Attempt,
        answered_at_ns: int | None,
        status: int | None,
        outcome: Outcome,
        error: str | None,
        *,
        delivery: ReportedDelivery = NOTHING_REPORTED,
        ended_at_ns: int | None = None,
    ) -> None:
        """Add an attempt's row, unless it has one."""
        if self._in_flight.pop(attempt.seq, None) is None:
            return  # sealing has already written its row
        buffer = self._batches[-1]
        if buffer.is_full:
            buffer = self._segments.new_batch()
            self._batches.append(buffer)
        text = _ACKED_TEXT if outcome is _ACKED else outcome.value
        changes = attempt.changes
        partition, offset, server = delivery
        buffer.add(
            (
                attempt.seq,
                attempt.event_type,
                attempt.scenario_user,
                attempt.shape,
                attempt.digest,
                attempt.intended_at_ns,
                attempt.sent_at_ns,
                answered_at_ns,
                status,
                text,
                error,
                partition,
                offset,
                server,
                None if changes is None else changes.owner,
                None if changes is None else tuple(changes.by_thing.items()),
                ended_at_ns,
                attempt.asked,
            )
        )

    def _arrivals(self) -> Arrivals | None:
        return None if self.pool is None else self.pool.arrivals


def _writable(error: str) -> str:
    """Replace the characters that UTF-8 cannot encode; an error may quote such characters."""
    return error.encode(errors="replace").decode()
