"""The alarm: lets a greenlet sleep until it is time, as exactly as the machine can.

gevent's own sleep ends at a whole millisecond of its loop, for libev waits in milliseconds: half of
one late on average. Linux has timers that can be waited for as for a socket (timerfd_create(2)),
and are some microseconds late. Elsewhere gevent's has to do.
"""

import contextlib
import ctypes
import functools
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import gevent

Sleep = Callable[[int], None]
"""Sleeps for so many ns."""

_NS_PER_S = 1_000_000_000
_READABLE = 1  # libev's EV_READ
_READ_BYTES = 8  # how often the timer has expired


class _Time(ctypes.Structure):
    """The system's `timespec`."""

    _fields_ = (("seconds", ctypes.c_long), ("ns", ctypes.c_long))


class _Setting(ctypes.Structure):
    """The system's `itimerspec`."""

    _fields_ = (("interval", _Time), ("left", _Time))


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@contextlib.contextmanager
def alarm() -> Iterator[Sleep]:
    """Give what one greenlet can sleep by until the block ends."""
    timer = _timer()
    if timer is None:
        yield _sleep
        return
    watcher = gevent.get_hub().loop.io(timer, _READABLE)
    try:
        yield functools.partial(_sleep_by, timer, watcher)
    finally:
        watcher.close()
        os.close(timer)


def _timer() -> int | None:
    """Make one; None where the system has none, or can make no more."""
    create = getattr(_LIBC, "timerfd_create", None)
    made: int = create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC) if create else -1
    return None if made < 0 else made


def _sleep_by(timer: int, watcher: Any, ns: int) -> None:
    assert _LIBC is not None
    seconds, rest_ns = divmod(max(ns, 1), _NS_PER_S)  # 0 would let it rest for ever
    setting = _Setting(left=_Time(seconds, rest_ns))
    _LIBC.timerfd_settime(timer, 0, ctypes.byref(setting), None)
    gevent.get_hub().wait(watcher)
    with contextlib.suppress(BlockingIOError):
        os.read(timer, _READ_BYTES)


def _sleep(ns: int) -> None:
    gevent.sleep(ns / _NS_PER_S)
