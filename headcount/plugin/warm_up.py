"""The warm-up: loads what writing a ledger needs, before the load and beside the greenlets.

It takes seconds on a busy machine. A worker that sends no heartbeat for so long counts as missing
to Locust's master, which ends the test when the last worker is missing: before the first request.
"""

import functools

import gevent
from gevent.event import AsyncResult

from headcount.ledger.writer import warm_up


def begin() -> None:
    """Start the warm-up in a thread of its own; nothing happens the second time."""
    _started()


def finish() -> None:
    """Wait for the end of the warm-up, which this starts if nobody has."""
    _started().get()


@functools.cache
def _started() -> "AsyncResult[None]":
    result: AsyncResult[None] = gevent.get_hub().threadpool.spawn(warm_up)
    return result
