"""The open model in Locust: tasks begin at a rate, on the users that Locust has spawned.

The master, or the only process, leads; whoever runs users keeps pace. Nothing of Locust is
replaced: its users, its web UI and its statistics go on, and a run without `--rate` has none of
this.
"""

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
from headcount.plugin.environment_state import State, state_of
from headcount.plugin.interpreter_settings import leave_alone
from headcount.plugin.options import OpenLoad, open_load_of
from headcount.plugin.recorder import Recorder
from headcount.plugin.user import LedgerUser
from headcount.run.manifest import Scheduled

SPAN_GRANTED = "headcount_span_granted"
ALL_MADE = "headcount_all_arrivals_made"

_log = logging.getLogger(__name__)


def listen(environment: Environment) -> None:
    """Hear what the master grants, and what generators have made."""
    assert environment.runner is not None
    if not isinstance(environment.runner, MasterRunner):
        environment.runner.register_message(SPAN_GRANTED, _on_span_granted)
    if not isinstance(environment.runner, WorkerRunner):
        environment.runner.register_message(ALL_MADE, _on_all_made)
        environment.events.spawning_complete.add_listener(lambda **_: _lead(environment))


def prepare(environment: Environment) -> None:
    """Read what rate is asked for, before a run. UsageError if it makes no sense here."""
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
    # What a worker leaves behind, the users of the others must be able to carry.
    if state.rebalances is None:
        state.rebalances = options.enable_rebalancing
    options.enable_rebalancing = state.rebalances or load is not None


def take_over(environment: Environment) -> None:
    """End the run with the plan, where Locust, which starts by itself then, would end it by time.

    The run time counts from the first arrival, so that there are as many as were asked for.
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


def keep_pace(environment: Environment, recorder: Recorder, generator: int) -> None:
    """Let the users of this process, which are spawned after this, wait for arrivals."""
    options, runner, state = environment.parsed_options, environment.runner, state_of(environment)
    assert options is not None
    assert runner is not None
    load = open_load_of(options)
    _let_task_sets_wait(environment, state, paced=load is not None)
    state.pacer = None
    if load is None:
        return

    def note_dropped() -> None:
        recorder.dropped += 1

    recorder.expect(load.plan.peak)
    recorder.pool = UserPool(generator, note_dropped)
    state.pacer = Pacer(
        _schedule(environment, load),
        recorder.pool,
        load.most_in_flight,
        leave_alone,  # the users, who are all there by then
        lambda: runner.send_message(ALL_MADE, generator),
    )


def _lead(environment: Environment) -> None:
    """Begin the schedule, now that there are users for it; done once in a run.

    Locust may tell of its users after the run, too.
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
        _log.info("headcount: all arrivals have been due")
        gevent.spawn(runner.quit if environment.web_ui is None else runner.stop)

    schedule = _schedule(environment, load)
    state.coordinator = Coordinator(
        schedule, lambda: _alive(environment), lambda: _is_ready(environment), grant, end
    )


def stop(environment: Environment) -> None:
    """Start nothing more. May be called again."""
    state = state_of(environment)
    if state.coordinator is not None:
        state.coordinator.stop()
    if state.pacer is not None:
        state.pacer.stop()


def finish(environment: Environment) -> Scheduled | None:
    """Say what became of the arrivals, now that nobody is at work on them.

    Returns how far the schedule had come, None where there was none or another process has it.
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
    """See that a rate makes sense with these users. UsageError if it does not."""
    shape = environment.shape_class
    if shape is not None:
        raise UsageError(
            f"--rate and the load shape {type(shape).__name__} both say how much load there is: "
            "leave out --rate, or take a locustfile without a shape"
        )
    for user_class in environment.user_classes:
        if not issubclass(user_class, LedgerUser):
            raise UsageError(
                f"--rate is for users that are LedgerUsers, and {user_class.__name__} is none: "
                "leave it out, by naming the others after the options, or leave out --rate"
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
    """Whether each worker that has connected has its users: Locust does not wait for slow ones.

    Where the only process leads and runs the users, they must be prepared, too.
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


def _let_task_sets_wait(environment: Environment, state: State, *, paced: bool) -> None:
    """Let nested task sets with wait times of their own wait as their user does, or as before."""
    for task_set in _task_sets([task for user in environment.user_classes for task in user.tasks]):
        own = state.unpaced_waits.setdefault(task_set, vars(task_set)["wait_time"])
        setattr(task_set, "wait_time", TaskSet.wait_time if paced else own)  # noqa: B010


def _task_sets(tasks: list[Any]) -> Iterator[type[TaskSet]]:
    for task in set(tasks):
        if isinstance(task, type) and issubclass(task, TaskSet):
            yield from (
                each
                for each in task.__mro__
                if issubclass(each, TaskSet) and each is not TaskSet and "wait_time" in vars(each)
            )
            yield from _task_sets(task.tasks)
