"""`--rate` in a real Locust: each due arrival starts or is counted as dropped, and none runs twice.

Arrivals are identified by the times at which they were due, not by when they were sent.
"""

import collections
import functools
import itertools
import signal
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from headcount.ledger.location import open_location
from headcount.ledger.shortfall import read_shortfall
from headcount.open_model.arrival_counts import Arrivals, read_arrivals, total, with_lost
from headcount.run.folder import RunFolder
from headcount.stack.ports import free_port, is_listening
from tests.headcount.plugin.locusts import DEADLINE_S, Bench

pytestmark = pytest.mark.e2e

CLOCKS_APART_NS = 10_000_000
"""How far a generator's clock may be from this process's on a machine that adjusts its clock."""


def run(bench: Bench, *options: str, run_id: str = "run-1", **others: Any) -> str:
    """Run Locust to its end, assert exit code 0, and return its stderr."""
    load = ("--headless", "--exit-code-on-error", "0", "--run-id", run_id)
    done = subprocess.run(  # noqa: PLW1510 - the code is asserted, with stderr
        bench.command(*load, *options, **others),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def undisturbed(bench: Bench, most: int, *options: str, name: str = "run") -> str:
    """Repeat the run until no more than `most` arrivals are dropped; return the run's id."""
    for attempt in range(5):
        bench.service.received.clear()
        run_id = f"{name}-{attempt}"
        run(bench, *options, run_id=run_id)
        if total(arrivals(bench, run_id)).dropped <= most:
            return run_id
    pytest.fail("each of five runs dropped more")


def arrivals(bench: Bench, run_id: str = "run-1") -> tuple[Arrivals, ...]:
    """Read the arrival counts, including those of dead generators."""
    scheduled = RunFolder(bench.reports / run_id).read_scheduled()
    assert scheduled is not None
    location = open_location(str(bench.reports / run_id / "ledger"))
    return with_lost(read_arrivals(*location), scheduled.due)


def numbers(bench: Bench, rate: float, generator: int) -> list[int]:
    """Return the numbers of the arrivals that one of two generators started, from their due times.

    Each generator measures time from its first grant, so its first arrival is the reference.
    """
    due = sorted(row["intended_at_ns"] for row in bench.rows() if row["generator"] == generator)
    return [generator + round((due_ns - due[0]) * rate / 1e9) for due_ns in due]


def latencies_ms(rows: Iterable[dict[str, Any]]) -> list[float]:
    """Latencies from when requests were due."""
    return [(row["answered_at_ns"] - row["intended_at_ns"]) / 1e6 for row in rows]


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("options", "due", "users"),
    [
        (("--rate", "150/s", "-t", "3s"), 450, 150),
        (("--rate", "0/s..200/s:2s,100/s:1s"), 300, 200),
    ],
)
def test_a_plan_is_completed(
    bench: Bench, processes: int, options: tuple[str, ...], due: int, users: int
) -> None:
    """Exactly the plan's arrivals are due, each starts or is dropped, and then the run ends.

    The time that generators take to report their end does not count.
    """
    several = () if processes == 1 else ("--processes", str(processes))
    run_id = undisturbed(bench, due // 10, *options, *several)
    bench.assert_accounts_agree(run_id, generators=processes)
    counts = total(arrivals(bench, run_id))
    assert (counts.due, counts.lost) == (due, 0)
    assert counts.started == len(bench.rows(run_id))
    scheduled = RunFolder(bench.reports / run_id).read_scheduled()
    assert scheduled is not None
    assert (scheduled.elapsed_s, sum(scheduled.due.values())) == (3, due)
    kept = RunFolder(bench.reports / run_id).read_manifest().options
    assert (kept["rate"], kept["spacing"], kept["num_users"]) == (options[1], "constant", users)


@pytest.mark.slow
def test_generators_take_turns(bench: Bench) -> None:
    """One of two makes the even arrivals, the other the odd ones, and none is made twice."""
    run(bench, "--rate", "100/s:3s", "--processes", "2")
    even, odd = (numbers(bench, 100, generator) for generator in (0, 1))
    assert len(even) == len(set(even))
    assert len(odd) == len(set(odd))
    assert {number % 2 for number in even} == {0}
    assert {number % 2 for number in odd} == {1}
    assert len(even) + len(odd) + total(arrivals(bench)).dropped == 300


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(signal.SIGKILL, id="killed", marks=pytest.mark.slow),
        pytest.param(signal.SIGSTOP, id="hung", marks=pytest.mark.heavy),
    ],
)
def test_the_rate_holds_when_a_worker_leaves(
    bench: Bench, tmp_path: Path, end: signal.Signals
) -> None:
    """The other takes over, arrivals lost until then are counted, and none is made twice.

    A worker that hung and resumes gets arrivals again, but does not make the ones it missed.
    """
    port, log = str(free_port()), tmp_path / "master.log"
    master = bench.command(
        *("--master", "--master-bind-port", port, "--expect-workers", "2", "--headless"),
        *("--run-id", "run-1", "--rate", "100/s", "--logfile", str(log)),
    )
    worker = bench.command("--worker", "--master-port", port)

    def received(generator: int) -> int:
        return sum(f".{generator}." in event_id for event_id in list(bench.service.received))

    with (
        bench.started(master) as leader,
        bench.started(worker) as one,
        bench.started(worker) as two,
    ):
        bench.wait_for(lambda: min(received(0), received(1)) > 100, "both make requests")
        two.send_signal(end)
        bench.wait_for(lambda: "failed to send heartbeat" in log.read_text(), "it is missed")
        seen = len(bench.service.received)
        bench.wait_for(lambda: len(bench.service.received) > seen + 400, "the other goes on")
        if end == signal.SIGSTOP:
            before = [received(0), received(1)]
            two.send_signal(signal.SIGCONT)
            bench.wait_for(
                lambda: min(received(0) - before[0], received(1) - before[1]) > 100,
                "both make requests again",
            )
        leader.terminate()
        codes = [locust.wait(DEADLINE_S) for locust in (leader, one, two)]
    assert codes[:2] == [0, 0]
    by_generator = collections.Counter(row["generator"] for row in bench.rows())
    survivor = by_generator.most_common(1)[0][0]
    made = numbers(bench, 100, survivor)
    # While alone, it also makes the arrivals that would have been the other's.
    assert sum(after - before == 1 for before, after in itertools.pairwise(made)) > 200
    other = numbers(bench, 100, 1 - survivor)
    assert len(set(made)) == len(made)
    assert len(set(other)) == len(other)
    # Either may have dropped its first arrival, the reference for the numbers.
    shifted = ({number + shift for number in other} for shift in range(-100, 101, 2))
    assert any(not set(made) & numbered for numbered in shifted)
    lost = {of_generator.generator: of_generator for of_generator in arrivals(bench)}
    undone = lost[1 - survivor].lost + lost[1 - survivor].dropped
    assert undone > 100
    # It measures time from its first grant, which on a busy machine arrives late.
    scheduled = RunFolder(bench.reports / "run-1").read_scheduled()
    assert scheduled is not None
    due_ns = [row["intended_at_ns"] for row in bench.rows() if row["generator"] == survivor]
    behind_s = max(0.0, (min(due_ns) - scheduled.began_at_ns) / 1e9 - survivor / 100)
    assert lost[survivor].lost < 20 + 100 * behind_s


SLOW = """
import time
from locust import events
from locust.runners import WorkerRunner
from mixed import Player

@events.test_start.add_listener
def be_slow(environment, **_):
    if isinstance(environment.runner, WorkerRunner) and environment.runner.worker_index == 1:
        time.sleep(6)
"""


@pytest.mark.slow
def test_a_slow_worker_is_waited_for(bench: Bench, tmp_path: Path) -> None:
    """The schedule begins once every worker has its users, so that none starts late."""
    (tmp_path / "slow.py").write_text(SLOW)
    locustfile = str(tmp_path / "slow.py")
    run(bench, "--rate", "50/s:5s", "--processes", "2", locustfile=locustfile)
    first_ns = [
        min(row["intended_at_ns"] for row in bench.rows() if row["generator"] == generator)
        for generator in (0, 1)
    ]
    assert abs(first_ns[1] - first_ns[0]) < 3e9


def stall(bench: Bench) -> None:
    """Let the service stall for a second, and wait while requests continue."""
    bench.service.stall(1.0)
    bench.wait_for(lambda: time.monotonic() > bench.service.stalled_s[1] + 0.5, "it is over")


def test_a_stall_delays_all_due_requests(bench: Bench) -> None:
    """While a service stalls, requests continue, and those due meanwhile wait for its end."""
    command = bench.command(
        *("--headless", "--run-id", "run-1", "--rate", "100/s", "-u", "300", "-r", "300")
    )
    with bench.started(command) as locust:
        bench.wait_for(lambda: len(bench.service.received) > 100, "requests arrive")
        stall(bench)
        locust.terminate()
        assert locust.wait(DEADLINE_S) == 0
    began_ns, ended_ns = (
        round((time.time() - time.monotonic() + monotonic_s) * 1e9)
        for monotonic_s in bench.service.stalled_s
    )
    waited = [row for row in bench.rows() if began_ns < row["intended_at_ns"] < ended_ns]
    counts = total(arrivals(bench))
    # The coordinator stops counting slightly before the pacer stops.
    assert counts.lost <= 1
    # One was due every ten milliseconds, and none was answered before the stall ended.
    assert 99 - counts.dropped <= len(waited) <= 101
    assert all(row["answered_at_ns"] > ended_ns - CLOCKS_APART_NS for row in waited)
    assert max(latencies_ms(waited)) > 900


def test_arrivals_without_a_free_user_are_dropped(bench: Bench) -> None:
    """With too few users for a stall, arrivals that cannot start are counted and logged."""
    command = bench.command(
        *("--headless", "--run-id", "run-1", "--rate", "100/s", "-u", "5", "-r", "5")
    )
    with bench.started(command) as locust:
        bench.wait_for(lambda: len(bench.service.received) > 50, "requests arrive")
        stall(bench)
        locust.terminate()
        locust.wait(DEADLINE_S)
        stderr = locust.stderr_text
    counts = total(arrivals(bench))
    assert counts.dropped > 60
    assert counts.started == len(bench.rows()) == len(bench.service.received) > 50
    (parts,) = read_arrivals(*open_location(str(bench.reports / "run-1" / "ledger")))
    counted = (
        f"{parts.due:,} arrivals were due, {counts.started:,} started, {counts.dropped:,} drop"
    )
    assert counted in stderr
    late_ms = [(row["sent_at_ns"] - row["intended_at_ns"]) / 1e6 for row in bench.rows()]
    # A queue would have held half of the stall's arrivals.
    assert sum(lateness_ms > 500 for lateness_ms in late_ms) < 30


def test_max_in_flight(bench: Bench) -> None:
    """The requests in flight never exceed --max-in-flight, however many users there are."""
    bench.service.answer_after_s = 0.2
    run(bench, "--rate", "60/s:2s", "-u", "40", "-r", "40", "--max-in-flight", "5")
    edges = [
        edge
        for row in bench.rows()
        for edge in ((row["sent_at_ns"], 1), (row["answered_at_ns"], -1))
    ]
    under_way = list(itertools.accumulate(step for _, step in sorted(edges)))
    assert max(under_way) == 5
    assert total(arrivals(bench)).dropped > 30


@pytest.mark.slow
def test_a_seed_repeats_the_arrivals(bench: Bench) -> None:
    """With Poisson spacing, the same seed gives the same times, another seed different ones."""

    def due(name: str, seed: str) -> list[int]:
        options = ("--rate", "30/s:2s", "--spacing", "poisson", "--seed", seed)
        run_id = undisturbed(bench, 0, *options, name=name)
        times = sorted(row["intended_at_ns"] for row in bench.rows(run_id))
        return [round((time_ns - times[0]) / 1e6) for time_ns in times]

    first = due("first", "7")
    assert len(first) > 20
    assert due("again", "7") == first
    assert due("other", "8") != first


NESTED = """
from locust import TaskSet, constant, task
from headcount.plugin import LedgerUser

class Shelf(TaskSet):
    wait_time = constant(1000)

    @task(3)
    def look(self):
        self.user.ask("look")

    @task(1)
    def leave(self):
        self.user.ask("leave")
        self.interrupt()

class Visitor(LedgerUser):
    wait_time = constant(1000)
    is_busy = False

    def on_start(self):
        self.client.get("/", event={"event_type": "hello"})

    @task
    def buy(self):
        self.ask("buy")
        self.client.get("/", event={"event_type": "second"})

    tasks = [Shelf, buy]

    def ask(self, what):
        assert not self.is_busy, "two things at once"
        self.is_busy = True
        self.client.get("/", event={"event_type": what})
        self.is_busy = False
"""


def test_a_nested_scenario(bench: Bench, tmp_path: Path) -> None:
    """Tasks of nested task sets are arrivals, wait times are ignored, and users stay sequential.

    A task's first request is due when its arrival is, the others when they are sent.
    """
    (tmp_path / "visitors.py").write_text(NESTED)
    locustfile = str(tmp_path / "visitors.py")
    stderr = run(bench, "--rate", "100/s:3s", "-u", "20", "-r", "20", locustfile=locustfile)
    assert "two things at once" not in stderr
    types = collections.Counter(row["event_type"] for row in bench.rows())
    assert types["hello"] == 20
    assert types["second"] == types["buy"]
    assert min(types[name] for name in ("look", "leave", "buy")) > 5
    counts = total(arrivals(bench))
    assert sum(types[name] for name in ("look", "leave", "buy")) == counts.started
    due = [row for row in bench.rows() if row["intended_at_ns"] != row["sent_at_ns"]]
    assert len(due) == counts.started
    assert {row["event_type"] for row in due} == {"look", "leave", "buy"}


INTERRUPTED = """
from locust import SequentialTaskSet, TaskSet, constant, tag, task
from locust.exception import RescheduleTaskImmediately
from headcount.plugin import LedgerUser

class Shelf(TaskSet):
    @task
    def look(self):
        self.user.ask("look")
        self.interrupt()

class Shop(TaskSet):
    tasks = [Shelf]

    @task
    def leave(self):
        self.user.ask("leave")
        self.interrupt()

class Checkout(SequentialTaskSet):
    @task
    def pay(self):
        self.user.ask("pay")

    @task
    def go(self):
        self.user.ask("go")
        self.interrupt()

class Closed(TaskSet):
    def on_start(self):
        self.user.ask("closed")
        self.interrupt()

    @task
    def enter(self):
        self.user.ask("enter")

class Errand(TaskSet):
    wait_time = constant(0)

    @task
    def run_it(self):
        self.user.ask("errand")
        self.interrupt()

class Home(TaskSet):
    @task
    def rest(self):
        self.user.ask("rest")
        self.schedule_task(Errand)
        raise RescheduleTaskImmediately

@tag("open")
class Everything(TaskSet):
    tasks = [Shop, Checkout, Closed, Home]

class Visitor(LedgerUser):
    wait_time = constant(1000)
    tasks = [Everything]

    @task
    def untagged(self):
        self.ask("untagged")

    def ask(self, what):
        self.client.get("/", event={"event_type": what})
"""


def test_interrupted_task_sets(bench: Bench, tmp_path: Path) -> None:
    """Each task takes an arrival, even if Locust would start it without waiting.

    It does so after an interrupt at any depth or in `on_start`, and for a task set that only a task
    names. The first task of a task set takes the arrival that started the task set.
    """
    (tmp_path / "visitors.py").write_text(INTERRUPTED)
    options = ("--rate", "80/s:3s", "-u", "20", "-r", "20", "--tags", "open")
    run(bench, *options, locustfile=str(tmp_path / "visitors.py"))
    types = collections.Counter(row["event_type"] for row in bench.rows())
    assert set(types) == {"look", "leave", "pay", "go", "closed", "errand", "rest"}
    counts = total(arrivals(bench))
    assert counts.due == 240
    assert counts.started == types.total()
    assert all(row["intended_at_ns"] != row["sent_at_ns"] for row in bench.rows())


LEAVING = """
from locust import task
from locust.exception import StopUser
from headcount.plugin import LedgerUser

class Visitor(LedgerUser):
    @task
    def buy_once(self):
        self.client.get("/", event={"event_type": "buy"})
        raise StopUser
"""


def test_users_that_leave(bench: Bench, tmp_path: Path) -> None:
    """The ledger names the cause of the arrivals that were dropped because users had ended."""
    (tmp_path / "visitors.py").write_text(LEAVING)
    options = ("--rate", "50/s:2s", "-u", "10", "-r", "10")
    run(bench, *options, locustfile=str(tmp_path / "visitors.py"))
    counts = total(arrivals(bench))
    assert (counts.due, counts.started, counts.dropped) == (100, 10, 90)
    shortfall = read_shortfall(*open_location(str(bench.ledger())), 0)
    assert (shortfall.users, shortfall.ended_users) == (10, 10)
    assert shortfall.userless == 90


@pytest.mark.slow
def test_web_ui(bench: Bench, tmp_path: Path) -> None:
    """The form has a rate: its plan ends the test, a mistake is reported; it may be left empty."""
    port, log = free_port(), tmp_path / "locust.log"
    web = f"http://127.0.0.1:{port}"
    command = bench.command(
        *("--web-host", "127.0.0.1", "--web-port", str(port), "--logfile", str(log))
    )
    with bench.started(command) as locust:
        bench.wait_for(lambda: is_listening(port), "the web UI listens")
        with urllib.request.urlopen(f"{web}/headcount/start-form.html", timeout=120) as answer:  # noqa: S310 - it is http
            page = answer.read().decode()
        assert all(f'"{name}"' in page for name in ("rate", "spacing", "max_in_flight"))
        page = _swarm(web, rate="50/s..50/s", user_count="20")
        assert "needs a time, such as 50/s..50/s:1m" in page
        assert not bench.reports.exists()
        _swarm(web, rate="50/s:2s", user_count="20")
        bench.wait_for(
            lambda: "the last arrival was due; no more will start" in log.read_text(), "it ends"
        )
        (first,) = (path.name for path in bench.reports.iterdir())
        bench.wait_for(functools.partial(bench.is_sealed, first), "it is sealed")
        assert total(arrivals(bench, first)).due == 100
        bench.assert_accounts_agree(first)
        bench.service.received.clear()
        _swarm(web, rate="", user_count="10")
        bench.wait_for(lambda: len(bench.service.received) > 50, "requests arrive")
        _post(f"{web}/stop")
        (second,) = (path.name for path in bench.reports.iterdir() if path.name != first)
        bench.wait_for(functools.partial(bench.is_sealed, second), "it is sealed")
        locust.terminate()
        locust.wait(DEADLINE_S)
    assert RunFolder(bench.reports / second).read_scheduled() is None
    assert all(row["intended_at_ns"] == row["sent_at_ns"] for row in bench.rows(second))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--rate", "5"), "--rate must be RATE, RATE:TIME or FROM..TO:TIME"),
        (("--rate", "5/s", "--max-in-flight", "0"), "whole number from 1 to 1,000,000, got '0'"),
        (("--max-in-flight", "9"), "--max-in-flight needs --rate"),
        (("--rate", "5/s", "-f", "locustfiles/sword_rush.py"), "the load shape Rush both set"),
    ],
)
def test_invalid_options(bench: Bench, options: tuple[str, ...], message: str) -> None:
    """One line, exit code 2, and no request."""
    assert_refused(bench, bench.command("--run-id", "run-1", *options), message)


def test_other_users_are_refused(bench: Bench, tmp_path: Path) -> None:
    """A rate could not drive them, and they would run at their own pace beside it."""
    (tmp_path / "plain.py").write_text(PLAIN)
    both = f"locustfiles/mixed.py,{tmp_path}/plain.py"
    command = bench.command("--rate", "5/s", locustfile=both)
    assert_refused(bench, command, "--rate needs LedgerUsers, and Plain is not one")


PLAIN = """
from locust import FastHttpUser, task

class Plain(FastHttpUser):
    @task
    def look(self):
        self.client.get("/")
"""


def assert_refused(bench: Bench, command: list[str], message: str) -> None:
    """Assert that a run does not start, with this message."""
    options = ("--headless", "-t", "1s")
    done = subprocess.run(
        [*command, *options], capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("headcount: ")]
    assert (done.returncode, len(lines)) == (2, 1), done.stderr
    assert message in lines[0]
    assert bench.service.received == []


def _swarm(web: str, **fields: str) -> str:
    return _post(f"{web}/swarm", spawn_rate="20", **fields)


def _post(url: str, **fields: str) -> str:
    data = urllib.parse.urlencode(fields).encode()
    with urllib.request.urlopen(url, data, timeout=120) as answer:  # noqa: S310 - always http
        assert answer.status == 200
        content: bytes = answer.read()
        return content.decode()
