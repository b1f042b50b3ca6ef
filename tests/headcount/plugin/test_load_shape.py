"""Load shapes: end with the run time, and when the test must end."""

import subprocess
import sys

# Locust patches the standard library of its process.
PROGRAM = """
import gevent
from locust import LoadTestShape, User, constant, task
from locust.env import Environment
from headcount.plugin.load_shape import BoundShape

class Idle(User):
    wait_time = constant(0.05)

    @task
    def nothing(self):
        pass

class Endless(LoadTestShape):
    def tick(self):
        return 2, 2

class Slow(LoadTestShape):
    def tick(self):
        return 1000, 1

class Short(LoadTestShape):
    def tick(self):
        return None if self.runner.user_count else (1, 1)

def run(shape, run_time_s, is_ended):
    environment = Environment(user_classes=[Idle], shape_class=shape, stop_timeout=5)
    runner, stops = environment.create_local_runner(), []
    environment.events.test_stop.add_listener(lambda **_: stops.append("stop"))
    bound = BoundShape(shape, runner, run_time_s)
    runner.start_shape()
    while not runner.user_count:
        gevent.sleep(0.05)
    if is_ended:
        bound.end()
    while not stops or runner.state != "stopped":
        gevent.sleep(0.05)
    print(type(shape).__name__, runner.user_count, len(stops))

with gevent.Timeout(240):
    run(Endless(), 1, False)
    run(Endless(), None, True)
    run(Slow(), 1, False)
    run(Slow(), None, True)
    run(Short(), 3600, False)
"""


def test_a_shape_ends() -> None:
    """By the run time, on request, by itself, and while users are still spawning.

    The test is stopped once, and no user is left.
    """
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    names = ("Endless", "Endless", "Slow", "Slow", "Short")
    assert done.stdout.splitlines() == [f"{name} 0 1" for name in names]
