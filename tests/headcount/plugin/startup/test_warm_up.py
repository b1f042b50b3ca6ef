"""The warm-up: does not block greenlets, and ends before a generator starts recording."""

import subprocess
import sys

# Locust, which the package imports, patches the standard library of its process.
BESIDE_A_HEARTBEAT = """
import time
import gevent
from gevent.monkey import get_original
from headcount.plugin.startup import warm_up

sleep = get_original("time", "sleep")  # blocks every greenlet of its thread
beats, done = [], []

def load():
    end_s = time.monotonic() + 20
    while not beats and time.monotonic() < end_s:
        sleep(0.01)
    done.append(bool(beats))

warm_up.warm_up = load
warm_up.begin()
gevent.spawn(beats.append, "a heartbeat")
warm_up.finish()
warm_up.finish()
print(done)
"""


def test_a_heartbeat_is_sent_during_the_warm_up() -> None:
    """Otherwise the master would consider a worker on a busy machine missing."""
    command = [sys.executable, "-c", BESIDE_A_HEARTBEAT]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.strip() == "[True]", done.stderr
