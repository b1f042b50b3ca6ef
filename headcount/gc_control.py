"""Garbage collection: suspends it in a block, and exempts long-lived objects from it."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Suspend garbage collection in a block that makes thousands of long-lived objects."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextlib.contextmanager
def permanent_objects() -> Iterator[None]:
    """Suspend garbage collection in a block of imports, and exempt the imported objects from it."""
    with uncollected():
        yield
        gc.freeze()
