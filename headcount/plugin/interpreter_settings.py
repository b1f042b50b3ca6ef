"""The interpreter: set up so that it holds up what must be on time as little as it can."""

import gc
import itertools
import sys

SWITCH_AFTER_S = 0.001
_earlier_runs = itertools.count()


def make_ready() -> None:
    """Make ready for a run: what is there already is not looked at again while it goes on.

    The first run of a forked worker leaves alone what Locust froze before the fork. To collect that
    takes a second or more on a busy machine, in which the worker sends its master no heartbeat.
    """
    if next(_earlier_runs):
        gc.unfreeze()  # what an earlier run has left
    leave_alone()
    # A thread that writes the ledger holds all users up for as long as it may keep the interpreter.
    sys.setswitchinterval(SWITCH_AFTER_S)


def leave_alone() -> None:
    """Let no collection look again at what is there now.

    A full one looks at all that was ever imported, and at every user, and for tens of milliseconds
    nothing else is done.
    """
    gc.collect()
    gc.freeze()
