"""The pacer: what it makes ready before the first arrival is due, and what it lets arrive."""

import json
import subprocess
import sys

# Locust, which the package imports, patches the standard library of its process.
PACED = """
import json
import gevent
from headcount.plugin.pace import START_IN_S, Pacer
from headcount.pool import Pool
from headcount.rate import parse_rate
from headcount.schedule import Schedule, Spacing, Span

class User:
    def take(self, due_at_ns):
        said.append("an arrival")

said, is_over = [], gevent.event.Event()
pool = Pool(0, lambda: said.append("dropped"))
for _ in range(300):
    pool.freed(User(), 0)
schedule = Schedule(parse_rate("1000/s:0.2s"), Spacing.CONSTANT, "7")
pacer = Pacer(schedule, pool, None, lambda: said.append("granted"), is_over.set)
pacer.grant(Span(0, 100, (0,)), -START_IN_S, is_last=False)
pacer.grant(Span(100, 200, (0,)), -START_IN_S, is_last=True)
is_over.wait(60)
print(json.dumps([said, pool.due, pool.started]))
"""


def test_it_makes_ready_once_and_before_the_first_arrival() -> None:
    """Not with each span: for so long nothing else is done."""
    command = [sys.executable, "-c", PACED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    said, due, started = json.loads(done.stdout)
    assert said == ["granted", *["an arrival"] * 200]
    assert (due, started) == (200, 200)
