"""The pacer: its preparation before the first arrival, and the arrivals it starts."""

import json
import subprocess
import sys

# Locust, which the package imports, patches the standard library of its process.
PACED = """
import json
import gevent
from headcount.open_model import user_pool
from headcount.open_model.coordinator import START_IN_S, Pacer
from headcount.open_model import user_pool
from headcount.open_model.user_pool import UserPool
from headcount.open_model.rate import parse_rate
from headcount.open_model.schedule import Schedule, Spacing, Span

class User:
    def take(self, due_at_ns):
        log.append("an arrival")

user_pool.MAX_LATENESS_NS = 60_000_000_000  # even on a slow machine
log, is_over = [], gevent.event.Event()
pool = UserPool(0, lambda: log.append("dropped"))
for _ in range(300):
    pool.release(User(), 0)
schedule = Schedule(parse_rate("1000/s:0.2s"), Spacing.CONSTANT, "7")
pacer = Pacer(schedule, pool, None, lambda: log.append("granted"), is_over.set)
pacer.grant(Span(0, 100, (0,)), -START_IN_S, is_last=False)
pacer.grant(Span(100, 200, (0,)), -START_IN_S, is_last=True)
is_over.wait(60)
print(json.dumps([log, pool.due, pool.started]))
"""


# The same, recording the pacer's sleeps.
SLEEPS = """
import contextlib
import json
import gevent
from headcount.open_model import user_pool
from headcount.open_model import coordinator
from headcount.open_model import user_pool
from headcount.open_model.user_pool import UserPool
from headcount.open_model.rate import parse_rate
from headcount.open_model.schedule import Schedule, Spacing, Span

class User:
    def take(self, due_at_ns):
        pass

user_pool.MAX_LATENESS_NS = 60_000_000_000  # even on a slow machine
slept, precise_sleep = [], coordinator.precise_sleep
@contextlib.contextmanager
def recording_sleep():
    with precise_sleep() as sleep:
        yield lambda ns: (slept.append(ns), sleep(ns))
coordinator.precise_sleep = recording_sleep
over = gevent.event.Event()
pool = UserPool(0, lambda: None)
for _ in range(6000):
    pool.release(User(), 0)
plan = Schedule(parse_rate("10000/s:0.5s"), Spacing.CONSTANT, "7")
pacer = coordinator.Pacer(plan, pool, None, lambda: None, over.set)
pacer.grant(Span(0, 5000, (0,)), 0.0, is_last=True)
over.wait(60)
print(json.dumps([pool.started, slept]))
"""


def test_near_arrivals_share_a_wake_up() -> None:
    """Arrivals due within half a millisecond start together."""
    command = [sys.executable, "-c", SLEEPS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    started, slept_ns = json.loads(done.stdout)
    assert started == 5000
    assert 0 < len(slept_ns) < 1500
    assert min(slept_ns) >= 500_000


def test_preparation_runs_once_before_the_first_arrival() -> None:
    """Not with each span, because it blocks everything else."""
    command = [sys.executable, "-c", PACED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    log, due, started = json.loads(done.stdout)
    assert log == ["granted", *["an arrival"] * 200]
    assert (due, started) == (200, 200)
