"""The warm-up: loads the libraries that write a ledger, before the test and in a thread.

Loading takes seconds on a busy machine. If it blocked heartbeats for that long, Locust's master
would consider the workers missing, and would end the test before the first request when it gives up
on the last of them.
"""

import functools

import gevent
from gevent.event import AsyncResult

from headcount.ledger.writer import warm_up


def begin() -> None:
    """Start the warm-up in a background thread. Idempotent."""
    _started()


def finish() -> None:
    """Wait for the warm-up to end; start it if necessary."""
    _started().get()


@functools.cache
def _started() -> "AsyncResult[None]":
    result: AsyncResult[None] = gevent.get_hub().threadpool.spawn(warm_up)
    return result
