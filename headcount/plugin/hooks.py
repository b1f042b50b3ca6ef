"""The run's life inside Locust: prepared by the master, recorded by who makes requests, sealed.

The master (or the only process) chooses the run id, notes where the topic ends, and writes the
manifest before the first request. Whoever runs users keeps a ledger and seals it when they have
stopped. Nothing is sent to the master at the end: a headless master does not wait for it.
"""

import functools
import importlib.metadata
import logging
import os
import platform
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, NoReturn

import gevent
import psutil
from locust import events
from locust.env import Environment
from locust.exception import StopTest
from locust.runners import MasterRunner, WorkerRunner
from locust.web import WebUI

from headcount.errors import HeadcountError, PartError, UsageError
from headcount.kafka import topic
from headcount.ledger.location import check_location, open_location
from headcount.ledger.writer import LedgerWriter
from headcount.monitor.abort_rules import Broken
from headcount.monitor.progress import Progress
from headcount.open_model.mix import parse_mix, weighted
from headcount.plugin import arrival_driver, option_conflicts, scenario_errors, warm_up
from headcount.plugin.environment_state import state_of
from headcount.plugin.host_check import check_host
from headcount.plugin.interpreter_settings import make_ready
from headcount.plugin.load_shape import bind_shape
from headcount.plugin.monitor.health_sampler import HealthSampler
from headcount.plugin.monitor.progress_reports import NOTHING, PROGRESS, Teller
from headcount.plugin.monitor.run_monitor import Observer
from headcount.plugin.options import (
    add_options,
    check,
    clock_offset_ns,
    recorded,
    seed_of,
    take_default_run_time,
    waits_of,
)
from headcount.plugin.recorder import Recorder
from headcount.plugin.run_folder import folder_of, ledger_location
from headcount.plugin.shutdown import interrupt, sequence
from headcount.plugin.shutdown.exit_code import write_exit
from headcount.plugin.user import LedgerUser
from headcount.plugin.user_classes import check_users, other_users
from headcount.plugin.web import add_pages
from headcount.run.address import without_secrets
from headcount.run.ids import is_run_id, new_run_id, new_tag
from headcount.run.manifest import JUDGED_BY_PARENT, Generators, Manifest
from headcount.run.outcome_rules import split as split_rules
from headcount.run.verdict import BROKEN_THRESHOLD
from headcount.thresholds.grammar import Threshold

STOP_TIMEOUT_S = 15.0
POLL_S = 0.05
PACKAGES = ("locust", "gevent", "geventhttpclient", "kafka-python")
"""What the manifest names the versions of."""
LEDGER_FAILED = "headcount_ledger_failed"
GENERATOR_BEGUN = "headcount_generator_begun"

_log = logging.getLogger(__name__)


def register() -> None:
    """Listen to Locust's events; done once, when the plugin is imported."""
    logging.getLogger("kafka").setLevel(logging.WARNING)
    option_conflicts.listen(add_options)
    events.init.add_listener(_on_init)
    events.test_start.add_listener(_on_test_start)
    events.test_stopping.add_listener(_on_test_stopping)
    events.test_stop.add_listener(_on_test_stop)
    sequence.listen(events)
    events.user_error.add_listener(scenario_errors.on_user_error)


def _on_init(environment: Environment, web_ui: WebUI | None, **_: Any) -> None:
    interrupt.listen()
    # Without it Locust kills what is in flight, whose events may be in the topic all the same.
    environment.stop_timeout = environment.stop_timeout or STOP_TIMEOUT_S
    if not isinstance(environment.runner, MasterRunner):
        warm_up.begin()
    arrival_driver.listen(environment)
    if isinstance(environment.runner, WorkerRunner):
        return
    assert environment.runner is not None
    environment.runner.register_message(LEDGER_FAILED, _on_ledger_failed)
    environment.runner.register_message(GENERATOR_BEGUN, _on_generator_begun)
    environment.runner.register_message(PROGRESS, _on_progress)
    if web_ui is not None:
        add_pages(environment, web_ui)
    else:
        try:
            take_default_run_time(environment)
            _prepare(environment)
            arrival_driver.take_over(environment)
            state_of(environment).shape = bind_shape(environment)
        except HeadcountError as error:
            _give_up(environment, error)


def _give_up(environment: Environment, error: HeadcountError) -> NoReturn:
    # Workers that were forked would look for their master for a minute.
    for child in psutil.Process().children():
        child.terminate()
    sys.stderr.write(f"headcount: {error}\n")
    state_of(environment).announced_code = error.exit_code
    sequence.give_up(environment, error)
    sys.exit(error.exit_code)


def _on_test_start(environment: Environment, **_: Any) -> None:
    # A worker that joins a run may be told to start before Locust has noted that it is a worker.
    while environment.runner is None:
        gevent.sleep(POLL_S)
    try:
        if not isinstance(environment.runner, WorkerRunner) and not state_of(environment).prepared:
            _prepare(environment)
        if not isinstance(environment.runner, MasterRunner):
            _begin_recording(environment)
    except HeadcountError as error:
        sequence.give_up(environment, error)
        environment.runner.log_exception("headcount", str(error), "")
        raise StopTest(str(error)) from None


def _on_test_stopping(environment: Environment, **_: Any) -> None:
    arrival_driver.stop(environment)


def _on_test_stop(environment: Environment, **_: Any) -> None:
    state = state_of(environment)
    was_prepared, state.prepared = state.prepared, False
    # The next run may begin while this one seals, and brings its own.
    observer, path = state.observer, folder_of(environment).path
    _write_scheduled(environment)
    sequence.seal(environment)
    if not was_prepared:
        return
    write_exit(environment, None)
    if observer is not None and environment.web_ui is not None:
        observer.finish()
    else:
        _log.info("the run is over; to judge it: headcount verify %s", path)


def _write_scheduled(environment: Environment) -> None:
    scheduled = arrival_driver.finish(environment)
    if scheduled is None:
        return
    try:
        folder_of(environment).write_scheduled(scheduled)
    except OSError as error:
        _fail(environment, PartError(f"the run's folder cannot be written: {error}"))


def _on_generator_begun(environment: Environment, msg: Any, **_: Any) -> None:
    """Note a generator, so that a ledger that never comes is missed."""
    begun = state_of(environment).begun
    begun.add(int(msg.data))
    try:
        folder_of(environment).write_generators(Generators(tuple(sorted(begun))))
    except OSError as error:
        _fail(environment, PartError(f"the ledger cannot be written: {error}"))


def _on_progress(environment: Environment, msg: Any, **_: Any) -> None:
    observer = state_of(environment).observer
    if observer is not None:
        observer.tell(Progress.unpacked(msg.data))


def _on_broken(environment: Environment, broken: Broken) -> None:
    """Stop a test whose threshold is broken; in the web UI, Locust itself goes on."""
    runner = environment.runner
    assert runner is not None
    _log.error("headcount: the test is stopped: %s", broken)
    if environment.web_ui is not None:
        gevent.spawn(runner.stop)
        return
    state_of(environment).was_aborted = True
    environment.process_exit_code = BROKEN_THRESHOLD
    _quit(environment)


def _quit(environment: Environment) -> None:
    """End the test, and Locust with it, without waiting for that."""
    shape, runner = state_of(environment).shape, environment.runner
    assert runner is not None
    gevent.spawn(runner.quit if shape is None else shape.end)


def _on_ledger_failed(environment: Environment, msg: Any, **_: Any) -> None:
    """Stop the run: a test without its ledger proves nothing."""
    generator, exit_code, reason = msg.data
    state_of(environment).failed.add(int(generator))
    kind = UsageError if exit_code == UsageError.exit_code else PartError
    _fail(environment, kind(reason))


def _fail(environment: Environment, error: HeadcountError) -> None:
    """End the test; Locust too, but for a mistake in a scenario where its web UI can show it."""
    runner = environment.runner
    assert runner is not None
    _log.error("headcount: %s", error)
    sequence.give_up(environment, error)
    if environment.web_ui is None or not isinstance(error, UsageError):
        _quit(environment)
        return
    runner.log_exception("headcount", str(error), "")
    gevent.spawn(runner.stop)


def _prepare(environment: Environment) -> None:
    options = environment.parsed_options
    assert options is not None
    check_users(environment.user_classes)
    options.prepared_seed = str(seed_of(options))
    options.ledger = _checked_ledgers(options.ledger)
    thresholds = check(options, environment.user_classes)
    outcome_rules = split_rules(options.outcome)
    settle_s, watch_for_s = waits_of(options)
    arrival_driver.prepare(environment)
    is_here = options.processes or not isinstance(environment.runner, MasterRunner)
    if JUDGED_BY_PARENT in os.environ and is_here:  # workers elsewhere may have a way of theirs
        check_host(environment)
    described = topic.describe(options.bootstrap_servers, options.topic)
    if described is None:
        raise UsageError(
            f"there is no topic {options.topic!r} at {options.bootstrap_servers}: "
            "make it, or name another with --topic"
        )
    state_of(environment).has_run = False
    options.prepared_run, options.prepared_tag = _new_run(options.run_id), new_tag()
    options.run_id = ""  # the next run from the web form has an id of its own
    folder = folder_of(environment)
    if folder.manifest_path.exists():
        raise UsageError(f"{folder.path} exists already: choose another --run-id, or remove it")
    manifest = Manifest(
        run_id=folder.run_id,
        created_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        headcount_version=importlib.metadata.version("headcount"),
        scenario=str(environment.locustfile),
        host=without_secrets(environment.host or LedgerUser.host),
        bootstrap_servers=options.bootstrap_servers,
        cluster_id=topic.cluster_id(options.bootstrap_servers),
        topic=options.topic,
        topic_id=described.topic_id,
        cleanup_policy=described.cleanup_policy,
        start_offsets=topic.end_offsets(options.bootstrap_servers, options.topic),
        ledger=folder.ledger_of(options.ledger, options.prepared_tag),
        broker_data=options.broker_data or None,
        database=options.database_file or None,
        promise=options.promise,
        event_id_field=options.event_id_field,
        thresholds=tuple(each.text for each in thresholds),
        outcome_rules=tuple(rule.text for rule in outcome_rules),
        settle_s=settle_s,
        watch_for_s=watch_for_s,
        options={
            **recorded(options),
            "seed": int(options.prepared_seed),
            "shape": type(environment.shape_class).__name__ if environment.shape_class else None,
        },
        versions=_versions(has_own_broker=bool(options.broker_data)),
        tag=options.prepared_tag,
    )
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
        folder.write_manifest(manifest)
    except OSError as error:
        raise UsageError(
            f"cannot write the run's folder {folder.path}: {error.strerror}; "
            "choose another --reports-dir"
        ) from None
    state = state_of(environment)
    state.prepared = state.has_run = True
    state.error = None
    state.begun.clear()
    state.failed.clear()
    state.problems.clear()
    state.answers.clear()
    _observe(environment, manifest, thresholds)
    _log.info("run %s, ledger in %s", folder.run_id, ledger_location(environment))


def _observe(
    environment: Environment, manifest: Manifest, thresholds: tuple[Threshold, ...]
) -> None:
    """Follow the run, where there is a web UI to show it in or a threshold that may stop it."""
    state, options = state_of(environment), environment.parsed_options
    assert options is not None
    if state.observer is not None:
        state.observer.stop()
        state.observer = None
    options.prepared_telling = NOTHING
    if environment.web_ui is not None or any(each.abort for each in thresholds):
        on_broken = functools.partial(_on_broken, environment)
        is_shown = environment.web_ui is not None
        state.observer = Observer(
            folder_of(environment), manifest, thresholds, on_broken, is_shown=is_shown
        )
        options.prepared_telling = state.observer.how_much


def _versions(*, has_own_broker: bool) -> dict[str, str]:
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    if has_own_broker:
        # It needs what the command alone brings, and only the command starts a broker.
        from headcount.stack.jvm.jars_lock import read_lock  # noqa: PLC0415

        versions["kafka"] = next(
            jar.version for jar in read_lock() if jar.artifact.startswith("kafka_")
        )
    return {"python": platform.python_version(), **versions}


def _new_run(asked_for: str) -> str:
    run_id = asked_for or new_run_id()
    if not is_run_id(run_id):
        raise UsageError(
            f"--run-id must be small letters, digits and -, at most 40, got {run_id!r}"
        )
    return run_id


def _checked_ledgers(text: str) -> str:
    """Where ledgers are kept: as workers are told, who may be in another folder. UsageError."""
    if not text or "://" in text:
        return text and check_location("--ledger", text)
    return str(Path(text).absolute())


def _apply_mix(environment: Environment) -> Iterator[str]:
    """Weigh the tasks; name the users that are left as they are, for the mix names none of them."""
    assert environment.parsed_options is not None
    if not environment.parsed_options.mix:
        return
    mix = parse_mix(environment.parsed_options.mix)
    unmixed = state_of(environment).unmixed_tasks
    for user in environment.user_classes:
        tasks = unmixed.setdefault(user, user.tasks)
        user.tasks = weighted(tasks, mix) or tasks
        if user.tasks is tasks:
            yield user.__name__


def _begin_recording(environment: Environment) -> None:
    options, runner = environment.parsed_options, environment.runner
    assert options is not None
    assert runner is not None
    warm_up.finish()
    generator = max(getattr(runner, "worker_index", 0), 0)
    filesystem, location = open_location(ledger_location(environment))
    writer = LedgerWriter(filesystem, location, options.prepared_tag, generator)
    try:
        writer.open()
    except OSError as error:
        raise PartError(f"the ledger cannot be written: {error}") from None
    runner.send_message(GENERATOR_BEGUN, generator)
    unmixed_users = tuple(_apply_mix(environment))
    state = state_of(environment)
    state.sealing = None
    state.random = Random(f"{options.prepared_seed}.{generator}")  # noqa: S311 - traffic
    state.recorder = Recorder(
        writer,
        lambda error: runner.send_message(LEDGER_FAILED, (generator, error.exit_code, str(error))),
        clock_offset_ns(os.environ),
    )
    state.recorder.shortfall.other_users = other_users(environment.user_classes)
    state.recorder.shortfall.unmixed_users = unmixed_users
    state.recorder.outcome_rules = split_rules(options.outcome)
    state.health = HealthSampler(state.recorder)
    if options.prepared_telling:
        send = functools.partial(runner.send_message, PROGRESS)
        state.teller = Teller(generator, state.recorder, options.prepared_telling, send)
    arrival_driver.keep_pace(environment, state.recorder, generator)
    make_ready()
