"""Interpreter settings: existing objects are excluded from garbage collection during a run."""

import subprocess
import sys

# Locust, which the package imports, patches the standard library of its process.
COLLECTED = """
import gc, weakref
from headcount.plugin.interpreter_settings import freeze_objects, prepare_interpreter

class User:
    pass

def a_cycle():
    one = User()
    one.itself = one
    return one, weakref.ref(one)

frozen, of_frozen = a_cycle()
gc.freeze()  # as Locust does before it forks its workers
del frozen
prepare_interpreter()
assert of_frozen() is not None, "what is frozen before the first run stays so"
before = gc.get_freeze_count()
user, of_user = a_cycle()
users = [User() for _ in range(1000)]
freeze_objects()
assert gc.get_freeze_count() >= before + 1000, "the users are left alone"
del user
gc.collect()
assert of_user() is not None, "so is what they leave behind, while the run goes on"
prepare_interpreter()
assert of_user() is None, "but the next run is not begun with it"
"""


def test_objects_are_frozen_until_the_next_run() -> None:
    """A run's users are never traversed, and are collected when the next run begins."""
    command = [sys.executable, "-c", COLLECTED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
