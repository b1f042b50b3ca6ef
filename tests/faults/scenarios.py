"""The scenarios: the faults, and the verdicts that they must lead to."""

import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from headcount.errors import PartError
from headcount.stack.broker import Broker
from headcount.stack.process import wait_until
from tests.faults.stage import FaultStage, Setup, stopped

PASS, FAIL, INCONCLUSIVE = 0, 1, 3
DEADLINE_S = 60.0
AFTERMATH_S = 2.0
HANG_S = 0.5

_ANY = ("phantom", "corrupted", "garbled")
_WRONG = ("lost", "duplicated", "ghost", *_ANY)


@dataclass(frozen=True, slots=True)
class ExpectedVerdict:
    """The expected verdict: `some` names the counts above 0, `none` the counts of 0.

    `state` is the result of the state check.
    """

    code: int = PASS
    none: tuple[str, ...] = _WRONG
    some: tuple[str, ...] = ()
    state: str = "not checked"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A fault: `act` injects it, and `judge` judges the run and returns the exit code."""

    name: str
    what: str
    act: Callable[[FaultStage], None]
    setup: Setup = field(default_factory=Setup)
    expected: ExpectedVerdict = field(default_factory=ExpectedVerdict)
    judge: Callable[[FaultStage], int] = FaultStage.end

    def broken(self, code: int, verdict: dict[str, Any]) -> Iterator[str]:
        """Yield a line for each deviation from the expected verdict."""
        counts = verdict["counts"] or {}
        if verdict["state"] != self.expected.state:
            yield f"the state is {verdict['state']}, not {self.expected.state}"
        if code != self.expected.code:
            reasons = "; ".join(verdict["reasons"])
            yield f"the exit code is {code}, not {self.expected.code}: {reasons}"
        for name in self.expected.none:
            if counts[name]:
                yield f"{counts[name]} {name}, expected none"
        for name in self.expected.some:
            if not counts[name]:
                yield f"no {name}, expected some"


def _kill_worker(stage: FaultStage) -> None:
    worker = stage.workers()[0]
    stage.mark("a gunicorn worker hangs, and is killed with SIGKILL")
    with stopped(worker.pid):
        time.sleep(HANG_S)  # so that it certainly dies with requests in flight
        worker.kill()


def _reload(stage: FaultStage) -> None:
    assert stage.server is not None
    old = {worker.pid for worker in stage.workers()}
    stage.mark("SIGHUP is sent to gunicorn")
    os.kill(stage.server.pid, signal.SIGHUP)
    wait_until(
        lambda: old.isdisjoint(worker.pid for worker in stage.workers()),
        DEADLINE_S,
        "all workers are new",
    )


def _terminate(stage: FaultStage) -> None:
    assert stage.server is not None
    stage.mark("SIGTERM is sent to gunicorn")
    stage.server.stop()


def _kill_broker(stage: FaultStage) -> None:
    (broker,) = stage.brokers
    stage.mark("the broker is killed with SIGKILL")
    broker.kill()
    time.sleep(AFTERMATH_S)
    stage.restart_broker(broker)
    stage.mark("the broker is restarted")


def _kill_worker_and_broker(stage: FaultStage, apart_s: float = 30.0) -> None:
    time.sleep(apart_s)
    _kill_worker(stage)
    time.sleep(apart_s)
    _kill_broker(stage)


def _reload_and_kill(stage: FaultStage) -> None:
    _reload(stage)
    _kill_worker_and_broker(stage, apart_s=2.0)


def _stop_broker(stage: FaultStage, seconds: float = 20.0) -> None:
    (broker,) = stage.brokers
    stage.mark(f"the broker is stopped with SIGSTOP for {seconds:g} s")
    with stopped(broker.pid):
        time.sleep(seconds)
    stage.mark("the broker resumes")


def _fill_disk(stage: FaultStage) -> None:
    (broker,) = stage.brokers
    logs = (broker.data_dir / "log").glob("events-*/*.log")
    room = max(log.stat().st_size for log in logs) + 4096
    stage.mark("the broker's disk is full: none of its files can grow")
    resource.prlimit(broker.pid, resource.RLIMIT_FSIZE, (room, room))
    wait_until(lambda: _has_exited(broker), DEADLINE_S, "the broker exits")
    broker.kill()  # releases its folder
    stage.restart_broker(broker)
    stage.mark("there is space again, and the broker is restarted")


def _has_exited(broker: Broker) -> bool:
    try:
        broker.poll_or_raise()
    except PartError:
        return True
    return False


def _kill_leader(stage: FaultStage) -> None:
    leader = stage.leader()
    stage.mark("the leader of a partition is killed with SIGKILL")
    leader.kill()


def _kill_leader_without_followers(stage: FaultStage) -> None:
    leader = stage.leader()
    followers = [broker.pid for broker in stage.brokers if broker is not leader]
    stage.mark("the leader's followers are stopped, and the leader is killed with SIGKILL")
    with stopped(*followers):
        time.sleep(AFTERMATH_S)
        leader.kill()
    stage.mark("its followers resume")


def _kill_generator(stage: FaultStage) -> None:
    _master, first, *_ = stage.generators()
    stage.mark("a Locust worker is killed with SIGKILL")
    first.kill()


def _kill_master(stage: FaultStage) -> None:
    master, *_ = stage.generators()
    stage.mark("the Locust master is killed with SIGKILL")
    master.kill()


def _kill_run(stage: FaultStage) -> None:
    stage.mark("all of headcount run is killed with SIGKILL")
    generators = stage.generators()
    # Not stopped, they would notice the end of the run, and seal their ledgers.
    with stopped(*(generator.pid for generator in generators)):
        stage.run.kill()
        for generator in generators:
            generator.kill()


def _misbehave(stage: FaultStage) -> None:
    stage.mark("the service begins to misbehave")
    stage.harm()
    time.sleep(2 * AFTERMATH_S)
    stage.cease()
    stage.mark("the service behaves correctly again")


def _lie_and_die(stage: FaultStage) -> None:
    stage.mark("the service answers before it publishes")
    seen = stage.segments()
    stage.harm()
    wait_until(lambda: stage.segments() > seen + 1, DEADLINE_S, "it has answered some requests")
    stage.mark("its workers are killed with SIGKILL")
    for worker in stage.workers():
        worker.kill()
    stage.cease()


def _lose_unsynced(stage: FaultStage) -> None:
    (broker,) = stage.brokers
    stage.mark("the broker is stopped with SIGSTOP, and killed with SIGKILL")
    with stopped(broker.pid):
        time.sleep(AFTERMATH_S)
        broker.kill()
    stage.restart_broker(broker)
    stage.mark("the broker is restarted")


def _after_the_run(stage: FaultStage) -> int:
    stage.end()
    return stage.verify()


_WEAK = {"SERVICE_IDEMPOTENCE": "off"}

SCENARIOS = (
    Scenario(
        "worker-killed",
        "one of two gunicorn workers hangs for half a second, and is killed with SIGKILL",
        _kill_worker,
        expected=ExpectedVerdict(some=("indeterminate",)),
    ),
    Scenario(
        "service-reloaded",
        "SIGHUP sent to gunicorn: a rolling reload",
        _reload,
        expected=ExpectedVerdict(none=(*_WRONG, "indeterminate", "failed")),
    ),
    Scenario(
        "service-terminated",
        "SIGTERM sent to gunicorn, which is not restarted",
        _terminate,
        expected=ExpectedVerdict(none=(*_WRONG, "indeterminate"), some=("failed",)),
    ),
    Scenario(
        "broker-killed",
        "the broker killed with SIGKILL, and restarted after 2 s",
        _kill_broker,
        expected=ExpectedVerdict(some=("failed",)),
    ),
    Scenario(
        "broker-stopped",
        "the broker stopped with SIGSTOP for 20 s",
        _stop_broker,
        Setup(options=("-t", "40s")),
        ExpectedVerdict(some=("failed", "indeterminate")),
    ),
    Scenario(
        "disk-full",
        "the broker's files reach a quota; the broker exits, and is restarted with free space",
        _fill_disk,
        expected=ExpectedVerdict(some=("failed",)),
    ),
    Scenario(
        "leader-killed",
        "three brokers, min.insync.replicas=2: a partition's leader killed with SIGKILL",
        _kill_leader,
        Setup(nodes=3),
    ),
    Scenario(
        "locust-worker-killed",
        "one of two Locust workers killed with SIGKILL",
        _kill_generator,
        Setup(options=("--processes", "2", "--allow", "unsealed=1")),
        ExpectedVerdict(some=("indeterminate",)),
    ),
    Scenario(
        "locust-master-killed",
        "the Locust master killed with SIGKILL; the run is judged afterwards",
        _kill_master,
        Setup(options=("--processes", "2")),
        ExpectedVerdict(code=PartError.exit_code),  # delivery passed, but a part of the load died
        judge=_after_the_run,
    ),
    Scenario(
        "run-killed",
        "all of `headcount run` killed with SIGKILL; the run is judged afterwards",
        _kill_run,
        Setup(nodes=0),
        ExpectedVerdict(code=INCONCLUSIVE, some=("indeterminate",)),
        judge=_after_the_run,
    ),
    Scenario(
        "service-slow",
        "the service answers 3 s after it has published",
        _misbehave,
        Setup(misdeed="slow"),
    ),
    Scenario(
        "connections-reset",
        "the service resets connections, about half of them after it has published",
        _misbehave,
        Setup(misdeed="resetting"),
        ExpectedVerdict(some=("indeterminate", "recovered", "absent")),
    ),
    *(
        Scenario(
            f"players-{database}",
            f"player_life.py on {named} for 2 minutes: a gunicorn worker killed with SIGKILL after "
            "30 s; 30 s later the broker too, which is restarted after 2 s",
            _kill_worker_and_broker,
            Setup(
                options=("locustfiles/player_life.py", "-t", "2m"),
                has_postgresql=database == "postgresql",
            ),
            ExpectedVerdict(some=("failed", "indeterminate", "refused"), state="equal"),
        )
        for database, named in (("sqlite", "SQLite"), ("postgresql", "PostgreSQL"))
    ),
    Scenario(
        "players-killed",
        "player_life.py: the service reloaded, a worker and the broker killed soon afterwards",
        _reload_and_kill,
        Setup(options=("locustfiles/player_life.py", "-t", "40s")),
        ExpectedVerdict(some=("refused",), state="equal"),
    ),
    Scenario(
        "service-lies",
        "the service answers 200 before it publishes, and is killed",
        _lie_and_die,
        Setup(
            misdeed="lying",
            # Long enough for all late events to arrive, even on a slow machine.
            options=(
                "--promise",
                "none: the service answers before it publishes",
                "--settle",
                "30s",
            ),
        ),
        ExpectedVerdict(FAIL, ("ghost", *_ANY), some=("lost",)),
    ),
    Scenario(
        "acks-0",
        "acks=0: the broker stopped for 2 s, killed, and restarted",
        _lose_unsynced,
        Setup(
            environ={**_WEAK, "SERVICE_ACKS": "0"},
            options=("--promise", "acks=0, not idempotent"),
        ),
        ExpectedVerdict(FAIL, ("ghost", *_ANY), some=("lost",)),
    ),
    Scenario(
        "acks-1",
        "acks=1, three brokers: a leader killed while both of its followers are stopped",
        _kill_leader_without_followers,
        Setup(
            nodes=3,
            partitions=1,
            environ={**_WEAK, "SERVICE_ACKS": "1"},
            options=("--promise", "acks=1, not idempotent"),
        ),
        ExpectedVerdict(FAIL, ("ghost", *_ANY), some=("lost",)),
    ),
    Scenario(
        "no-idempotence",
        "acks=all, not idempotent: the broker stopped for 7 s, beyond the request time-out",
        lambda stage: _stop_broker(stage, 7.0),
        Setup(environ=_WEAK, options=("--promise", "acks=all, not idempotent")),
        ExpectedVerdict(FAIL, ("lost", "ghost", *_ANY), some=("duplicated",)),
    ),
)
