"""The pacer: what it makes ready before the first arrival is due, and what it lets arrive."""

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
        said.append("an arrival")

user_pool.LATEST_NS = 60_000_000_000  # on whatever machine
said, is_over = [], gevent.event.Event()
pool = UserPool(0, lambda: said.append("dropped"))
for _ in range(300):
    pool.freed(User(), 0)
schedule = Schedule(parse_rate("1000/s:0.2s"), Spacing.CONSTANT, "7")
pacer = Pacer(schedule, pool, None, lambda: said.append("granted"), is_over.set)
pacer.grant(Span(0, 100, (0,)), -START_IN_S, is_last=False)
pacer.grant(Span(100, 200, (0,)), -START_IN_S, is_last=True)
is_over.wait(60)
print(json.dumps([said, pool.due, pool.started]))
"""


# Locust, as above; how long it sleeps is noted.
TOLD = """
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

user_pool.LATEST_NS = 60_000_000_000  # on whatever machine
slept, alarm = [], coordinator.alarm
@contextlib.contextmanager
def noted():
    with alarm() as sleep:
        yield lambda ns: (slept.append(ns), sleep(ns))
coordinator.alarm = noted
over = gevent.event.Event()
pool = UserPool(0, lambda: None)
for _ in range(6000):
    pool.freed(User(), 0)
plan = Schedule(parse_rate("10000/s:0.5s"), Spacing.CONSTANT, "7")
pacer = coordinator.Pacer(plan, pool, None, lambda: None, over.set)
pacer.grant(Span(0, 5000, (0,)), 0.0, is_last=True)
over.wait(60)
print(json.dumps([pool.started, slept]))
"""


def test_it_is_not_woken_for_each_of_many() -> None:
    """Those that are due within half a millisecond begin together."""
    command = [sys.executable, "-c", TOLD]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    started, slept_ns = json.loads(done.stdout)
    assert started == 5000
    assert 0 < len(slept_ns) < 1500
    assert min(slept_ns) >= 500_000


def test_it_makes_ready_once_and_before_the_first_arrival() -> None:
    """Not with each span: for so long nothing else is done."""
    command = [sys.executable, "-c", PACED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    said, due, started = json.loads(done.stdout)
    assert said == ["granted", *["an arrival"] * 200]
    assert (due, started) == (200, 200)
