"""The open model in Locust: starts tasks at a rate, on the users that Locust has spawned.

The master, or the only process, runs the coordinator; each process with users runs a pacer.
Locust's users, web UI and statistics work as usual. A run without `--rate` uses none of this.
"""

import functools
import logging
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

import gevent
from locust import TaskSet
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from headcount.errors import UsageError
from headcount.open_model.coordinator import Coordinator, Pacer
from headcount.open_model.schedule import Schedule, Spacing, Span
from headcount.open_model.user_pool import UserPool
from headcount.plugin.attempts.recorder import Recorder
from headcount.plugin.environment_state import State, state_of
from headcount.plugin.interpreter_settings import freeze_objects
from headcount.plugin.options import OpenLoad, open_load_of
from headcount.plugin.user import LedgerUser
from headcount.run.manifest import Scheduled

SPAN_GRANTED = "headcount_span_granted"
ALL_MADE = "headcount_all_arrivals_made"
_EXECUTE_NEXT_TASK = TaskSet.execute_next_task

_log = logging.getLogger(__name__)


def listen(environment: Environment) -> None:
    """Handle the master's grants and the generators' completion messages."""
    assert environment.runner is not None
    if not isinstance(environment.runner, MasterRunner):
        environment.runner.register_message(SPAN_GRANTED, _on_span_granted)
    if not isinstance(environment.runner, WorkerRunner):
        environment.runner.register_message(ALL_MADE, _on_all_made)
        environment.events.spawning_complete.add_listener(lambda **_: _start_schedule(environment))


def prepare(environment: Environment) -> None:
    """Parse the requested rate before a run. UsageError if it is invalid for these users."""
    options, state = environment.parsed_options, state_of(environment)
    assert options is not None
    load = open_load_of(options)
    if load is not None:
        check(environment)
        if environment.web_ui is None:
            if options.run_time:
                load = replace(load, plan=load.plan.until(options.run_time))
            options.num_users = options.num_users or load.users
            options.spawn_rate = options.spawn_rate or options.num_users
    state.open_load = load
    # The users of the remaining workers must be able to take over a lost worker's share.
    if state.rebalances is None:
        state.rebalances = options.enable_rebalancing
    options.enable_rebalancing = state.rebalances or load is not None


def end_with_plan(environment: Environment) -> None:
    """Let the plan, not Locust's run time, end a headless run.

    The run time then counts from the first arrival, so that the number of arrivals is as planned.
    """
    options, load = environment.parsed_options, state_of(environment).open_load
    assert options is not None
    if load is None or load.plan.duration_s is None:
        return
    options.run_time = None
    about = "" if load.spacing is Spacing.CONSTANT else "about "
    _log.info(
        "headcount: %s%s arrivals in %g s, and then the run ends",
        *(about, f"{round(load.plan.total):,}", load.plan.duration_s),
    )


def pace_users(environment: Environment, recorder: Recorder, generator: int) -> None:
    """Let the users that this process spawns from now on wait for arrivals, if there is a rate."""
    options, runner, state = environment.parsed_options, environment.runner, state_of(environment)
    assert options is not None
    assert runner is not None
    load = open_load_of(options)
    _set_task_set_waits(environment, state, paced=load is not None)
    _set_task_starts(paced=load is not None)
    state.pacer = None
    if load is None:
        return

    def count_dropped() -> None:
        recorder.dropped += 1

    recorder.expect(load.plan.peak)
    recorder.pool = UserPool(generator, count_dropped)
    state.pacer = Pacer(
        _schedule(environment, load),
        recorder.pool,
        load.most_in_flight,
        freeze_objects,  # all users exist by then
        lambda: runner.send_message(ALL_MADE, generator),
    )


def _start_schedule(environment: Environment) -> None:
    """Start the schedule once the users are spawned; once per run.

    Locust may fire `spawning_complete` even after the run.
    """
    state, runner = state_of(environment), environment.runner
    assert runner is not None
    if not state.prepared or state.open_load is None or state.coordinator is not None:
        return

    load = state.open_load

    def grant(span: Span, elapsed_s: float) -> None:
        is_last = span.end >= load.plan.total
        granted = (span.first, span.end, span.generators, elapsed_s, is_last)
        runner.send_message(SPAN_GRANTED, granted)

    def end() -> None:
        _log.info("headcount: the last arrival was due; no more will start")
        gevent.spawn(runner.quit if environment.web_ui is None else runner.stop)

    schedule = _schedule(environment, load)
    state.coordinator = Coordinator(
        schedule, lambda: _alive(environment), lambda: _is_ready(environment), grant, end
    )


def stop(environment: Environment) -> None:
    """Start no more arrivals. Idempotent."""
    state = state_of(environment)
    if state.coordinator is not None:
        state.coordinator.stop()
    if state.pacer is not None:
        state.pacer.stop()


def finish(environment: Environment) -> Scheduled | None:
    """Log the arrival counts once all work on the arrivals has ended.

    Returns how far the schedule got; None if there was none or another process coordinates it.
    """
    stop(environment)
    state = state_of(environment)
    if state.pacer is not None:
        arrivals = state.pacer.pool.arrivals
        log = _log.warning if arrivals.dropped else _log.info
        counts = arrivals.due, arrivals.started, arrivals.dropped
        log(
            "headcount: %s arrivals were due, %s started, %s dropped",
            *(f"{count:,}" for count in counts),
        )
    coordinator, state.coordinator = state.coordinator, None
    if coordinator is None or coordinator.began_at_ns is None:
        return None
    return Scheduled(coordinator.began_at_ns, coordinator.reached_s, coordinator.due())


def check(environment: Environment) -> None:
    """Check that a rate works with these users and this shape. UsageError if not."""
    shape = environment.shape_class
    if shape is not None:
        raise UsageError(
            f"--rate and the load shape {type(shape).__name__} both set the load: "
            "leave out --rate, or use a locustfile without a shape"
        )
    for user_class in environment.user_classes:
        if not issubclass(user_class, LedgerUser):
            raise UsageError(
                f"--rate needs LedgerUsers, and {user_class.__name__} is not one: "
                "to exclude it, put the names of the other user classes at the end of the command "
                "line (headcount run: after --), or leave out --rate"
            )


def _schedule(environment: Environment, load: OpenLoad) -> Schedule:
    assert environment.parsed_options is not None
    return Schedule(load.plan, load.spacing, str(environment.parsed_options.prepared_seed))


def _alive(environment: Environment) -> Collection[int]:
    """The generators that keep a ledger and have users now."""
    runner, begun = environment.runner, state_of(environment).begun
    if not isinstance(runner, MasterRunner):
        return begun
    clients = (*runner.clients.running, *runner.clients.spawning)
    return {runner.get_worker_index(client.id) for client in clients} & begun


def _is_ready(environment: Environment) -> bool:
    """Whether every connected worker has spawned its users: Locust does not wait for slow workers.

    If the users run in this process, they must also be prepared.
    """
    runner, pacer = environment.runner, state_of(environment).pacer
    if pacer is not None and not pacer.is_prepared:
        return False
    return not isinstance(runner, MasterRunner) or len(runner.clients.running) == len(
        runner.clients
    )


def _on_span_granted(environment: Environment, msg: Any, **_: Any) -> None:
    first, end, generators, elapsed_s, is_last = msg.data
    pacer = state_of(environment).pacer
    if pacer is not None:
        pacer.grant(Span(first, end, tuple(generators)), elapsed_s, is_last=is_last)


def _on_all_made(environment: Environment, msg: Any, **_: Any) -> None:
    coordinator = state_of(environment).coordinator
    if coordinator is not None:
        coordinator.done(int(msg.data))


def _set_task_starts(*, paced: bool) -> None:
    """Make every task of every task set start on an arrival if `paced`; otherwise undo that."""
    step = _execute_on_arrival if paced else _EXECUTE_NEXT_TASK
    setattr(TaskSet, "execute_next_task", step)  # noqa: B010


def _execute_on_arrival(task_set: TaskSet) -> None:
    user = task_set.user
    assert isinstance(user, LedgerUser)  # `check` refuses all others
    user.run_on_arrival(functools.partial(_EXECUTE_NEXT_TASK, task_set))


def _set_task_set_waits(environment: Environment, state: State, *, paced: bool) -> None:
    """Let nested task sets wait as their user does if `paced`; otherwise by their own wait time."""
    for task_set in _task_sets([task for user in environment.user_classes for task in user.tasks]):
        own = state.unpaced_waits.setdefault(task_set, vars(task_set)["wait_time"])
        setattr(task_set, "wait_time", TaskSet.wait_time if paced else own)  # noqa: B010


def _task_sets(tasks: list[Any]) -> Iterator[type[TaskSet]]:
    for task in set(tasks):
        if isinstance(task, type) and issubclass(task, TaskSet):
            yield from (
                base_class
                for base_class in task.__mro__
                if issubclass(base_class, TaskSet)
                and base_class is not TaskSet
                and "wait_time" in vars(base_class)
            )
            yield from _task_sets(task.tasks)
