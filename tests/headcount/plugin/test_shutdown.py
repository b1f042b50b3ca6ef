"""The end of a real Locust: whatever a scenario does then, its run is sealed, and it is told."""

import subprocess
from pathlib import Path

import pytest

from headcount.locust_exit import Cause, LocustExit
from headcount.run import RunFolder
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
@events.{event}.add_listener
def leave(*_, **__):
    sys.exit({code})
"""
RAISES = """
@events.{event}.add_listener
def fail(*_, **__):
    raise RuntimeError("no {event}")
"""
SETS = """
@events.{event}.add_listener
def judge_it(environment, **_):
    environment.process_exit_code = {code}
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


def ended(bench: Bench, path: Path, more: str, *options: str) -> tuple[int, LocustExit, str]:
    """Run a scenario to its end; give its exit code, what was written down, and what was said."""
    (path / "scenario.py").write_text(SCENARIO + more)
    command = bench.command(
        *("--headless", "-u", "5", "-r", "5", "--run-id", "run-1", "--stop-timeout", "5"),
        *options,
        locustfile=counted(str(path / "scenario.py")),
    )
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    noted = RunFolder(bench.reports / "run-1").read_locust_exit()
    assert noted is not None, done.stderr
    return done.returncode, noted, done.stderr


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("event", ["test_stopping", "test_stop", "quitting", "quit"])
def test_a_listener_that_leaves(bench: Bench, tmp_path: Path, event: str, processes: int) -> None:
    """`sys.exit` in a listener ends Locust early, and no ledger stays unsealed."""
    several = () if processes == 1 else ("--processes", str(processes))
    code, _, said = ended(bench, tmp_path, LEAVES.format(event=event, code=3), *several)
    assert code == 3, said
    bench.assert_accounts_agree(generators=processes)


@pytest.mark.parametrize("event", ["test_start", "spawning_complete", "request", "test_stop"])
def test_a_listener_that_raises(bench: Bench, tmp_path: Path, event: str) -> None:
    """It is named with its event, error and place; Locust's exit code is told as it is."""
    code, noted, said = ended(bench, tmp_path, RAISES.format(event=event))
    assert code == 2, said
    (problem,) = noted.problems
    assert f"a listener of Locust's {event} raised RuntimeError: no {event}" in problem
    assert "scenario.py, line" in problem
    assert (noted.exit_code, noted.cause) == (2, Cause.OTHER)
    bench.assert_accounts_agree()


def test_a_listener_that_raises_in_workers(bench: Bench, tmp_path: Path) -> None:
    """The master tells it."""
    _, noted, _ = ended(bench, tmp_path, RAISES.format(event="request"), "--processes", "2")
    assert noted.problems[0].startswith("a listener of Locust's request raised RuntimeError")
    bench.assert_accounts_agree(generators=2)


@pytest.mark.parametrize("event", ["init", "test_start", "test_stop", "quitting"])
def test_a_listener_that_sets_the_exit_code(bench: Bench, tmp_path: Path, event: str) -> None:
    """It is Locust's exit code, and told as the listener's."""
    code, noted, said = ended(bench, tmp_path, SETS.format(event=event, code=7))
    assert code == 7, said
    assert (noted.exit_code, noted.cause) == (7, Cause.OTHER)
    assert "a listener of the scenario set environment.process_exit_code" in noted.reason
    bench.assert_accounts_agree()


def test_requests_that_failed(bench: Bench, tmp_path: Path) -> None:
    """What --exit-code-on-error stands for is told with how many and the commonest."""
    bench.service.status = 404
    code, noted, said = ended(bench, tmp_path, "", "--exit-code-on-error", "6")
    assert (code, noted.exit_code, noted.cause) == (6, 6, Cause.OTHER), said
    assert "requests failed, such as POST /buy: " in noted.reason
    assert "404" in noted.reason


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize(
    "statement", ["self.environment.runner.quit()", "__import__('sys').exit(0)"]
)
def test_a_task_that_ends_the_test(
    bench: Bench, tmp_path: Path, statement: str, processes: int
) -> None:
    """A user may end its process from a task: what it and the others did is sealed."""
    several = () if processes == 1 else ("--processes", str(processes))
    more = FROM_A_TASK.format(statement=statement)
    code, noted, said = ended(bench, tmp_path, more, "-t", "8s", *several)
    assert (code, noted.cause) == (0, Cause.NOTHING), said
    bench.assert_accounts_agree(generators=processes)


def test_an_error_of_the_run_is_not_overwritten(bench: Bench, tmp_path: Path) -> None:
    """A ledger that cannot be kept ends in exit code 2, whatever a listener says later."""
    more = (
        SETS.format(event="quitting", code=0)
        + """
@events.test_start.add_listener
def shadow(**_):
    Player.buy = None
    Player.tasks = [lambda user: user.client.post("/a", json={}, event=object())]
"""
    )
    code, noted, said = ended(bench, tmp_path, more)
    assert (code, noted.exit_code, noted.cause) == (2, 2, Cause.ERROR), said
    assert "cannot be compared" in noted.reason
