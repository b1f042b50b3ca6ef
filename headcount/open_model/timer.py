"""A precise timer: lets a greenlet sleep with microsecond accuracy where the system can.

libev waits in whole milliseconds, so `gevent.sleep` is half a millisecond late on average. Linux
offers timers that can be polled like a socket (timerfd_create(2)) and are only microseconds late.
Elsewhere this falls back to `gevent.sleep`.
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
"""Sleeps for a time in ns."""

_NS_PER_S = 1_000_000_000
_READABLE = 1  # libev's EV_READ
_READ_BYTES = 8  # the timer's expiration count


class _Time(ctypes.Structure):
    """The system's `timespec`."""

    _fields_ = (("seconds", ctypes.c_long), ("ns", ctypes.c_long))


class _Setting(ctypes.Structure):
    """The system's `itimerspec`."""

    _fields_ = (("interval", _Time), ("left", _Time))


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@contextlib.contextmanager
def precise_sleep() -> Iterator[Sleep]:
    """Yield a sleep function for one greenlet, valid within the block."""
    timer = _timer()
    if timer is None:
        yield _sleep
        return
    watcher = gevent.get_hub().loop.io(timer, _READABLE)
    try:
        yield functools.partial(_sleep_on_timer, timer, watcher)
    finally:
        watcher.close()
        os.close(timer)


def _timer() -> int | None:
    """Create a timer; None if the system has no such timers, or no free file descriptor."""
    create = getattr(_LIBC, "timerfd_create", None)
    timer: int = create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC) if create else -1
    return None if timer < 0 else timer


def _sleep_on_timer(timer: int, watcher: Any, ns: int) -> None:
    assert _LIBC is not None
    seconds, rest_ns = divmod(max(ns, 1), _NS_PER_S)  # 0 would disarm the timer
    setting = _Setting(left=_Time(seconds, rest_ns))
    _LIBC.timerfd_settime(timer, 0, ctypes.byref(setting), None)
    gevent.get_hub().wait(watcher)
    with contextlib.suppress(BlockingIOError):
        os.read(timer, _READ_BYTES)


def _sleep(ns: int) -> None:
    gevent.sleep(ns / _NS_PER_S)
