"""Garbage collection: suspended in a block, and spared objects that last."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Suspend garbage collection in a block that makes thousands of lasting objects."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextlib.contextmanager
def permanent_objects() -> Iterator[None]:
    """Suspend garbage collection in a block of imports, and exempt what they make from it."""
    with uncollected():
        yield
        gc.freeze()
