"""Reservations: blocks of sequence numbers, written to disk before any of their numbers is used.

The recorder is a subclass, so that taking a number costs each request no extra call.
"""

import contextlib
import math
from collections.abc import Callable

import gevent
import gevent.lock
import gevent.threadpool

from headcount.errors import HeadcountError, PartError, UsageError
from headcount.ledger.writer import LedgerWriter
from headcount.plugin.attempts.attempt import LedgerFailedError
from headcount.run.id_form import IdForm
from headcount.run.id_settings import check_seq_block

FIRST_BLOCK = 64
LARGEST_BLOCK = 4096


class SeqReservation:
    """Reserves numbers ahead of use, from `_next` up to but not including `_reserved`.

    `on_failure` is called once, with the first error that keeps the run from being accounted for.
    `id_form` limits the numbers.
    """

    def __init__(
        self,
        writer: LedgerWriter,
        on_failure: Callable[[HeadcountError], None],
        id_form: IdForm = IdForm.PLAIN,
    ) -> None:
        self._writer = writer
        self._id_form = id_form
        self._on_failure = on_failure
        self._next = 0
        self._reserved = 0
        self._block = FIRST_BLOCK
        self._reserving = gevent.lock.BoundedSemaphore(1)
        self._is_ahead = False
        self._reservations = gevent.threadpool.ThreadPool(1)
        self._failure: str | None = None
        self._sealed = False

    def expect(self, per_second: float) -> None:
        """Reserve enough for the first second of a rate, so that its first requests need not wait.

        An error goes to `on_failure`.
        """
        self._block = max(FIRST_BLOCK, min(math.ceil(per_second), LARGEST_BLOCK))
        with contextlib.suppress(LedgerFailedError):
            self._reserve()

    def fail(self, error: HeadcountError) -> LedgerFailedError:
        """Stop the run, and report the first error; return the error to raise."""
        if self._failure is None:
            self._failure = str(error)
            self._on_failure(error)
        return LedgerFailedError(str(error))

    def _reserve_ahead(self) -> None:
        if not self._is_ahead and self._failure is None:
            self._is_ahead = True
            gevent.spawn(self._reserve_quietly)

    def _reserve_quietly(self) -> None:
        with contextlib.suppress(LedgerFailedError):  # the next request raises it again
            self._reserve()
        self._is_ahead = False

    def _reserve(self) -> None:
        with self._reserving:
            if self._failure is not None or self._sealed:
                raise LedgerFailedError(self._failure or "the ledger is sealed: the run is over")
            if self._reserved - self._next >= self._block // 2:
                return  # another greenlet has reserved meanwhile
            try:
                check_seq_block(self._id_form, self._reserved + self._block)
                block = self._reservations.apply(self._writer.reserve, (self._block,))
            except OSError as error:
                raise self._cannot_write(error) from error
            except UsageError as error:
                raise self.fail(error) from None
            if self._sealed:  # meanwhile
                raise LedgerFailedError("the ledger is sealed: the run is over")
            self._reserved = block.stop
            self._block = min(self._block * 2, LARGEST_BLOCK)

    def _cannot_write(self, error: Exception) -> LedgerFailedError:
        return self.fail(
            PartError(f"the ledger cannot be written to {self._writer.location}: {error}")
        )
