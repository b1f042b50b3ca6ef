"""The warm-up: it holds no greenlet up, and is over before a generator begins to record."""

import subprocess
import sys

# Locust, which the package imports, patches the standard library of its process.
BESIDE_A_HEARTBEAT = """
import gevent
from gevent.monkey import get_original
from headcount.plugin import warm_up

has_beaten = get_original("threading", "Event")()
done = []

def load():
    done.append(has_beaten.wait(60))

warm_up.warm_up = load
warm_up.begin()
gevent.spawn(has_beaten.set)
warm_up.finish()
warm_up.finish()
print(done)
"""


def test_a_heartbeat_is_sent_during_the_warm_up() -> None:
    """Otherwise a worker on a busy machine is missing before its first request."""
    command = [sys.executable, "-c", BESIDE_A_HEARTBEAT]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.strip() == "[True]", done.stderr
