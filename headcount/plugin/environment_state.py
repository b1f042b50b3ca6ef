"""The plugin's state for a Locust environment."""

import weakref
from dataclasses import dataclass, field
from random import Random
from typing import Any

import gevent
from locust import TaskSet, User
from locust.env import Environment

from headcount.errors import HeadcountError
from headcount.open_model.coordinator import Coordinator, Pacer
from headcount.plugin.attempts.recorder import Recorder
from headcount.plugin.load_shape import BoundShape
from headcount.plugin.monitor.health_sampler import HealthSampler
from headcount.plugin.monitor.progress_reports import ProgressReporter
from headcount.plugin.monitor.run_monitor import RunMonitor
from headcount.plugin.options import HttpWay, OpenLoad
from headcount.plugin.probe_load import ProbeLoad


@dataclass(slots=True)
class State:
    """The state of the current run in this process; `recorder` is None if it makes no requests.

    `reporter` and `monitor` are None if nothing follows the run live. The monitor runs in the
    master, and remains after the run until the next one begins. `begun` has the generators that
    have announced their ledgers to the master; `failed` those of them that will never seal because
    their ledgers cannot be written. With `--rate`, `open_load` is the requested load, `pacer`
    belongs to the generator, and `coordinator` to the master; without, the scenario's load `shape`
    may set the number of users. `probe` is the load of a probe, not of a run. `unmixed_tasks`,
    `unpaced_waits` and `rebalances` hold the original values of what the run replaces in Locust and
    in the scenario.

    `has_run` is true once a manifest was written, `was_aborted` once a threshold stopped the test.
    `error` is why the run could not be prepared or recorded, `problems` are the errors that
    listeners raised, and `answers` has the first response to each kind of failed request.
    `sealing` and `finishing` are greenlets, running or done. `exit_code` is the code the process
    must exit with, None if Locust decides; `announced_code` is the code Locust announced.
    """

    recorder: Recorder | None = None
    reporter: ProgressReporter | None = None
    monitor: RunMonitor | None = None
    open_load: OpenLoad | None = None
    pacer: Pacer | None = None
    coordinator: Coordinator | None = None
    shape: BoundShape | None = None
    health: HealthSampler | None = None
    probe: ProbeLoad | None = None
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
    """Return an environment's state; create it on first use."""
    return _states.setdefault(environment, State())
