"""The interpreter: what a run does not need looked at, no collection looks at."""

import subprocess
import sys

# Locust, which the package imports, patches the standard library of its process.
COLLECTED = """
import gc, weakref
from headcount.plugin.interpreter_settings import leave_alone, make_ready

class User:
    pass

def a_cycle():
    one = User()
    one.itself = one
    return one, weakref.ref(one)

frozen, of_frozen = a_cycle()
gc.freeze()  # as Locust does before it forks its workers
del frozen
make_ready()
assert of_frozen() is not None, "what is frozen before the first run stays so"
before = gc.get_freeze_count()
user, of_user = a_cycle()
users = [User() for _ in range(1000)]
leave_alone()
assert gc.get_freeze_count() >= before + 1000, "the users are left alone"
del user
gc.collect()
assert of_user() is not None, "so is what they leave behind, while the run goes on"
make_ready()
assert of_user() is None, "but the next run is not begun with it"
"""


def test_what_is_there_is_left_alone_until_the_next_run() -> None:
    """A run's users are out of every collection's sight, and are gone when the next begins."""
    command = [sys.executable, "-c", COLLECTED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
