"""The segment writer: writes a ledger's rows in batches, in the background.

A separate thread does the disk work, at a lower priority than the requests.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Callable

import gevent
import gevent.lock
import gevent.threadpool
import pyarrow as pa

from headcount.ledger.endpoints import Endpoints
from headcount.ledger.generator_health import Health
from headcount.ledger.http_phases import HttpPhases
from headcount.ledger.schema import Seal
from headcount.ledger.segment_buffer import SegmentBuffer
from headcount.ledger.shortfall import Shortfall
from headcount.ledger.writer import LedgerWriter
from headcount.open_model.arrival_counts import Arrivals

FLUSH_EVERY_S = 2.0
_LOW_PRIORITY = 10


class SegmentWriter:
    """Writes the rows of one recorder.

    Args:
        writer: Writes to the ledger's location.
        arrivals: Returns the arrival counts so far; None without a rate.
        on_error: Called with the error that prevents writing; no more rows are written after it.
    """

    def __init__(
        self,
        writer: LedgerWriter,
        arrivals: Callable[[], Arrivals | None],
        on_error: Callable[[Exception], object],
    ) -> None:
        self._writer = writer
        self._arrivals = arrivals
        self._on_error = on_error
        self.on_chunk: Callable[[pa.Table], None] | None = None
        """Called with all rows that are added from now on, a few hundred at a time."""
        self.batches = [self.new_batch()]
        """The recorder adds rows to the last batch; the list object never changes."""
        self._flushing = gevent.lock.BoundedSemaphore(1)
        self._disk = gevent.threadpool.ThreadPool(1)
        self._disk.spawn(_lower_priority)
        self._flusher = gevent.spawn(self._flush_for_ever)

    def new_batch(self) -> SegmentBuffer:
        """Return an empty batch."""
        return SegmentBuffer(self._chunk_ended)

    def end_chunks(self) -> None:
        """Pass on the rows that were added since the last chunk."""
        for buffer in self.batches:
            buffer.end_chunk()

    def _chunk_ended(self, rows: pa.Table) -> None:
        if self.on_chunk is not None:
            self.on_chunk(rows)

    def flush(self) -> None:
        """Write the current rows; rows added meanwhile wait for the next flush. OSError."""
        self.end_chunks()
        batches = self.batches.copy()
        self.batches[:] = [self.new_batch()]
        for buffer in batches:
            if len(buffer):
                self._disk.apply(self._write_segment, (buffer,))

    def write_health(
        self, health: Health, shortfall: Shortfall, endpoints: Endpoints, phases: HttpPhases
    ) -> None:
        """Write the health and the other side files beside the ledger. OSError."""
        self._disk.apply(self._writer.write_health, (health,))
        self._disk.apply(self._writer.write_shortfall, (shortfall,))
        self._disk.apply(self._writer.write_endpoints, (endpoints,))
        self._disk.apply(self._writer.write_phases, (phases,))

    def stop(self) -> None:
        """Stop the background flushes, after any flush in progress."""
        with self._flushing:
            self._flusher.kill()

    def seal(self, attempted: int) -> Seal:
        """Write the last rows, and the seal. OSError."""
        self.flush()
        self._write_arrivals()
        seal: Seal = self._disk.apply(self._writer.seal, (attempted,))
        return seal

    def _flush_for_ever(self) -> None:
        while True:
            gevent.sleep(FLUSH_EVERY_S)
            try:
                with self._flushing:
                    self.flush()
                    self._write_arrivals()
            except OSError as error:
                self._on_error(error)
                return
            except Exception as error:
                self._on_error(error)
                raise

    def _write_segment(self, buffer: SegmentBuffer) -> None:
        self._writer.write_table(buffer.table())

    def _write_arrivals(self) -> None:
        arrivals = self._arrivals()
        if arrivals is not None:
            self._disk.apply(self._writer.write_arrivals, (arrivals,))


def _lower_priority() -> None:
    """Lower the priority of this background thread, on systems with per-thread priorities."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOW_PRIORITY)
