"""The end of a real Locust: whatever a scenario does, its run is sealed, and it is reported."""

import subprocess
from pathlib import Path

import pytest

from headcount.run.folder import RunFolder
from headcount.run.locust_exit import Cause, LocustExit
from tests.headcount.plugin.locusts import DEADLINE_S, Bench, counted

pytestmark = pytest.mark.e2e

SCENARIO = """
import sys
from locust import constant, events, task
from headcount.plugin import LedgerUser

class Player(LedgerUser):
    wait_time = constant(0.01)

    @task
    def buy(self):
        self.client.post("/buy", json={}, event={"event_type": "buy"})
"""
LEAVES = """
@events.test_stop.add_listener
@events.quitting.add_listener
@events.quit.add_listener
def leave(*_, **__):
    sys.exit(3)
"""
RAISES = """
@events.{event}.add_listener
def fail_at_{event}(*_, **__):
    raise RuntimeError("no {event}")
"""
SETS = """
@events.quitting.add_listener
def judge_it(environment, **_):
    environment.process_exit_code = 7
"""
FROM_A_TASK = """
class Last(LedgerUser):
    fixed_count = 1
    wait_time = constant(0.5)

    @task
    def end(self):
        self.client.post("/end", json={{}}, event={{"event_type": "end"}})
        {statement}
"""

RESTARTS = """
import gevent
from locust.runners import WorkerRunner

starts = []

@events.test_start.add_listener
def start_again(environment, **_):
    starts.append(environment)
    if len(starts) == 1 and not isinstance(environment.runner, WorkerRunner):
        gevent.spawn(restart, environment.runner)

def restart(runner):
    while runner.stats.total.num_requests < 20:
        gevent.sleep(0.05)
    runner.stop()
    gevent.sleep(0.2)
    while not runner.worker_count:
        gevent.sleep(0.05)
    runner.start(5, 5)
"""
GROWS = """
import gevent

starts = []

@events.test_start.add_listener
def count(environment, **_):
    starts.append(environment.runner)

@events.spawning_complete.add_listener
def grow(user_count, **_):
    if user_count == 5:
        gevent.spawn(starts[-1].start, 8, 8)

@events.quitting.add_listener
def report(**_):
    print(len(starts), "test started", file=sys.stderr)
"""


def ended(
    bench: Bench, path: Path, more: str, *options: str, is_counted: bool = True
) -> tuple[int, LocustExit, str]:
    """Run a scenario; return its exit code, what was recorded, and its output."""
    (path / "scenario.py").write_text(SCENARIO + more)
    locustfile = str(path / "scenario.py")
    command = bench.command(
        *("--headless", "-u", "5", "-r", "5", "--run-id", "run-1", *options),
        locustfile=counted(locustfile) if is_counted else locustfile,
    )
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    recorded = RunFolder(bench.reports / "run-1").read_locust_exit()
    assert recorded is not None, done.stderr
    return done.returncode, recorded, done.stderr


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_listener_that_exits(bench: Bench, tmp_path: Path, processes: int) -> None:
    """`sys.exit` at any stage of Locust's end leaves no ledger unsealed."""
    several = () if processes == 1 else ("--processes", str(processes))
    code, _, output = ended(bench, tmp_path, LEAVES, *several)
    assert code == 3, output
    bench.assert_accounts_agree(generators=processes)


def test_listeners_that_raise(bench: Bench, tmp_path: Path) -> None:
    """Each is named with its event, error and line, also in a worker, and ends nothing."""
    events = ("test_start", "spawning_complete", "request", "test_stopping")
    more = "".join(RAISES.format(event=event) for event in events)
    code, recorded, output = ended(bench, tmp_path, more, "--processes", "2")
    assert (code, recorded.exit_code, recorded.cause) == (2, 2, Cause.OTHER), output
    for event in events:
        expected = f"a listener of Locust's {event} raised RuntimeError: no {event}, at scenario.py"
        assert any(problem.startswith(expected) for problem in recorded.problems), recorded
    bench.assert_accounts_agree(generators=2)


def test_a_listener_that_sets_the_exit_code(bench: Bench, tmp_path: Path) -> None:
    """It becomes Locust's exit code, and is recorded as the listener's, with failed responses."""
    bench.service.status = 404
    code, recorded, output = ended(bench, tmp_path, SETS, "--exit-code-on-error", "6")
    assert (code, recorded.exit_code, recorded.cause) == (7, 7, Cause.OTHER), output
    assert "a listener of the scenario set environment.process_exit_code" in recorded.reason
    assert recorded.answers == {"404": "ok"}
    bench.assert_accounts_agree()


@pytest.mark.parametrize(
    "statement", ["self.environment.runner.quit()", "__import__('sys').exit(0)"]
)
def test_a_task_that_ends_the_test(bench: Bench, tmp_path: Path, statement: str) -> None:
    """If a task ends the process, all users' attempts are sealed."""
    more = FROM_A_TASK.format(statement=statement)
    code, recorded, output = ended(bench, tmp_path, more, "-t", "8s")
    assert (code, recorded.cause) == (0, Cause.NOTHING), output
    bench.assert_accounts_agree()


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_second_test_is_refused(bench: Bench, tmp_path: Path, processes: int) -> None:
    """Nothing would judge its run; the first run is sealed, and is the only one."""
    several = () if processes == 1 else ("--processes", str(processes))
    options = ("-t", "30s", "--stop-timeout", "1", *several)
    code, recorded, output = ended(bench, tmp_path, RESTARTS, *options, is_counted=False)
    assert (code, recorded.exit_code, recorded.cause) == (2, 2, Cause.ERROR), output
    assert recorded.reason.startswith("the scenario starts a second test: headless Locust runs one")
    assert [path.name for path in bench.reports.iterdir()] == ["run-1"]
    bench.assert_accounts_agree(generators=processes)


def test_more_users_are_not_a_second_test(bench: Bench, tmp_path: Path) -> None:
    """Starting a test that runs only changes the number of its users."""
    code, recorded, output = ended(bench, tmp_path, GROWS)
    assert (code, recorded.cause) == (0, Cause.NOTHING), output
    assert "Ramping to 8 users" in output
    assert "1 test started" in output
    bench.assert_accounts_agree()
