"""What the plugin knows of the run that a Locust environment is in."""

import weakref
from dataclasses import dataclass, field
from random import Random
from typing import Any

import gevent
from locust import TaskSet, User
from locust.env import Environment

from headcount.errors import HeadcountError
from headcount.open_model.coordinator import Coordinator, Pacer
from headcount.plugin.load_shape import BoundShape
from headcount.plugin.monitor.health_sampler import HealthSampler
from headcount.plugin.monitor.progress_reports import ProgressReporter
from headcount.plugin.monitor.run_monitor import RunMonitor
from headcount.plugin.options import HttpWay, OpenLoad
from headcount.plugin.recorder import Recorder


@dataclass(slots=True)
class State:
    """A process's part in the current run; `recorder` is None where it makes no requests.

    `reporter` and `monitor` are None where nobody looks while the run goes on. A monitor is with
    the master, and stays after the run until the next begins. `begun` are the generators that have
    told the master that they make requests, and `failed` those of them that will never seal, for
    their ledgers cannot be written. With `--rate`, `open_load` says what it asks for, `pacer` is
    the generator's and `coordinator` the master's part in it; without, a `shape` of the scenario's
    may say how many users there are. The last three are what the run replaces in Locust and in the
    scenario, as it was before.

    `has_run` says that a manifest was written, `was_aborted` that a threshold stopped the test,
    `error` what kept the run from being prepared or recorded, `problems` what listeners raised, and
    `answers` how the first request that failed in some way was answered.
    `sealing` and `finishing` are under way or done. `exit_code` is what the process must end in,
    None where Locust decides, and `announced_code` what Locust says that it ends in.
    """

    recorder: Recorder | None = None
    reporter: ProgressReporter | None = None
    monitor: RunMonitor | None = None
    open_load: OpenLoad | None = None
    pacer: Pacer | None = None
    coordinator: Coordinator | None = None
    shape: BoundShape | None = None
    health: HealthSampler | None = None
    random: Random = field(default_factory=Random)
    http_way: HttpWay = HttpWay.LEAN
    prepared: bool = False
    has_run: bool = False
    was_aborted: bool = False
    error: HeadcountError | None = None
    problems: list[str] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    sealing: "gevent.Greenlet[..., None] | None" = None
    finishing: "gevent.Greenlet[..., None] | None" = None
    was_interrupted: bool = False
    exit_code: int | None = None
    announced_code: int | None = None
    begun: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)
    unmixed_tasks: dict[type[User], list[Any]] = field(default_factory=dict)
    unpaced_waits: dict[type[TaskSet], Any] = field(default_factory=dict)
    rebalances: bool | None = None


_states: weakref.WeakKeyDictionary[Environment, State] = weakref.WeakKeyDictionary()


def state_of(environment: Environment) -> State:
    """The state that goes with an environment; made when first asked for."""
    return _states.setdefault(environment, State())
