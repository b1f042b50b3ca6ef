"""Interpreter settings: reduce pauses, so that requests are sent on time."""

import gc
import itertools
import sys

SWITCH_INTERVAL_S = 0.001
_earlier_runs = itertools.count()


def prepare_interpreter() -> None:
    """Prepare for a run: keep existing objects out of garbage collection while it lasts.

    In a forked worker, the first run does not unfreeze the objects that Locust froze before the
    fork. Collecting those takes a second or more on a busy machine, during which the worker sends
    its master no heartbeat.
    """
    if next(_earlier_runs):
        gc.unfreeze()  # lets the garbage of an earlier run be collected
    freeze_objects()
    # A thread that writes the ledger blocks all users for up to one switch interval.
    sys.setswitchinterval(SWITCH_INTERVAL_S)


def freeze_objects() -> None:
    """Exclude all current objects from future garbage collections.

    A full collection traverses every imported module and every user, and blocks everything else for
    tens of milliseconds.
    """
    gc.collect()
    gc.freeze()
