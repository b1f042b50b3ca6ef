"""Locust event hooks: the master prepares the run; the generators record and seal it.

Before the first request, the master (or the only process) chooses the run id, records the topic's
end offsets, and writes the manifest. Each process that runs users keeps a ledger, and seals it once
they have stopped. Generators send nothing to the master at the end, because a headless master does
not wait for messages.
"""

import functools
import logging
import os
from pathlib import Path
from typing import Any

import gevent
from locust import events
from locust.env import Environment
from locust.runners import (
    STATE_MISSING,
    MasterRunner,
    WorkerRunner,
)
from locust.web import WebUI

from headcount.compose import shown_path, typed_command
from headcount.errors import HeadcountError, PartError, UsageError
from headcount.monitor.abort_rules import BrokenThreshold
from headcount.monitor.display.load_progress import ProgressFile
from headcount.monitor.progress import Progress
from headcount.monitor.progress_counter import NOTHING
from headcount.plugin import arrival_driver, scenario_errors
from headcount.plugin.environment_state import state_of
from headcount.plugin.load_shape import bind_shape
from headcount.plugin.monitor.progress_reports import PROGRESS
from headcount.plugin.monitor.run_metrics import request_of
from headcount.plugin.monitor.run_monitor import RunMonitor
from headcount.plugin.options import (
    add_options,
    hand_on_kafka_config,
    take_default_run_time,
)
from headcount.plugin.run_folder import folder_of, ledger_location
from headcount.plugin.shutdown import interrupt, sequence
from headcount.plugin.shutdown.exit_code import write_exit
from headcount.plugin.startup import (
    heartbeat,
    option_conflicts,
    recording,
    refused_start,
    run_preparation,
    warm_up,
)
from headcount.plugin.web import add_pages
from headcount.plugin.web.past_run_pages import reports_dir
from headcount.run.manifest import Generators, Manifest
from headcount.run.reports_folder import why_not_writable
from headcount.run.verdict import BROKEN_THRESHOLD
from headcount.thresholds.grammar import Threshold

STOP_TIMEOUT_S = 15.0
POLL_S = 0.05

_log = logging.getLogger(__name__)


def register() -> None:
    """Register the listeners for Locust's events, once, when the plugin is imported."""
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
    hand_on_kafka_config(environment)
    # Without it, Locust kills requests in flight, although their events may reach the topic.
    environment.stop_timeout = environment.stop_timeout or STOP_TIMEOUT_S
    if isinstance(environment.runner, MasterRunner):
        heartbeat.tolerate_stalls()
    else:
        warm_up.begin()
    arrival_driver.listen(environment)
    if isinstance(environment.runner, WorkerRunner):
        return
    assert environment.runner is not None
    environment.runner.register_message(recording.LEDGER_FAILED, _on_ledger_failed)
    environment.runner.register_message(recording.GENERATOR_BEGUN, _on_generator_begun)
    environment.runner.register_message(PROGRESS, _on_progress)
    if web_ui is not None:
        add_pages(environment, web_ui)
        if unwritable := why_not_writable(reports_dir(environment), os.environ):
            _log.error("headcount: %s", unwritable)
    else:
        try:
            take_default_run_time(environment)
            _prepare(environment)
            arrival_driver.end_with_plan(environment)
            state_of(environment).shape = bind_shape(environment)
        except HeadcountError as error:
            refused_start.exit_with(environment, error)


def _on_test_start(environment: Environment, **_: Any) -> None:
    # A worker that joins a run may get the start message before Locust has set its runner.
    while environment.runner is None:
        gevent.sleep(POLL_S)
    try:
        if not isinstance(environment.runner, WorkerRunner):
            refused_start.refuse_second_test(environment)
            if not state_of(environment).prepared:
                _prepare(environment)
        if not isinstance(environment.runner, MasterRunner):
            recording.begin(environment)
    except HeadcountError as error:
        refused_start.end_start(environment, error)


def _on_test_stopping(environment: Environment, **_: Any) -> None:
    arrival_driver.stop(environment)


def _on_test_stop(environment: Environment, **_: Any) -> None:
    state = state_of(environment)
    was_prepared, state.prepared = state.prepared, False
    # The next run may begin, with its own monitor and folder, while this one seals.
    monitor, path = state.monitor, folder_of(environment).path
    _write_scheduled(environment)
    sequence.seal(environment)
    if not was_prepared:
        return
    write_exit(environment, None)
    if monitor is not None and environment.web_ui is not None:
        monitor.finish()
    else:
        command = f"headcount verify {shown_path(path, os.environ)}"
        _log.info("the run is over; to verify it: %s", typed_command(command, os.environ))
    if environment.web_ui is None and _all_workers_are_missing(environment):
        # Without this, Locust's headless master would stop the test, and then wait for ever.
        _fail(environment, PartError("all workers disappeared without sealing their ledgers"))


def _all_workers_are_missing(environment: Environment) -> bool:
    runner = environment.runner
    if not isinstance(runner, MasterRunner) or runner.worker_count:
        return False
    return any(client.state == STATE_MISSING for client in runner.clients.values())


def _write_scheduled(environment: Environment) -> None:
    scheduled = arrival_driver.finish(environment)
    if scheduled is None:
        return
    try:
        folder_of(environment).write_scheduled(scheduled)
    except OSError as error:
        _fail(environment, PartError(f"the run's folder cannot be written: {error}"))


def _on_generator_begun(environment: Environment, msg: Any, **_: Any) -> None:
    """Record a generator, so that a ledger that never appears is noticed."""
    begun = state_of(environment).begun
    begun.add(int(msg.data))
    try:
        folder_of(environment).write_generators(Generators(tuple(sorted(begun))))
    except OSError as error:
        _fail(environment, PartError(f"the run's folder cannot be written: {error}"))


def _on_progress(environment: Environment, msg: Any, **_: Any) -> None:
    monitor = state_of(environment).monitor
    if monitor is not None:
        monitor.receive(Progress.unpacked(msg.data))


def _on_broken(environment: Environment, broken: BrokenThreshold) -> None:
    """Stop the test, because a threshold is broken; with a web UI, keep Locust running."""
    runner = environment.runner
    assert runner is not None
    _log.error("headcount: stopping the test: %s", broken)
    if environment.web_ui is not None:
        gevent.spawn(runner.stop)
        return
    state_of(environment).was_aborted = True
    environment.process_exit_code = BROKEN_THRESHOLD
    _quit(environment)


def _quit(environment: Environment) -> None:
    """Begin to end the test and Locust, and return at once."""
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
    """End the test, and Locust as well, unless its web UI can show the user's mistake."""
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
    manifest, thresholds = run_preparation.prepare(environment)
    state = state_of(environment)
    state.prepared = state.has_run = True
    state.error = None
    state.begun.clear()
    state.failed.clear()
    state.problems.clear()
    state.answers.clear()
    _start_monitor(environment, manifest, thresholds)
    _log.info("run %s, ledger in %s", manifest.run_id, ledger_location(environment))


def _start_monitor(
    environment: Environment, manifest: Manifest, thresholds: tuple[Threshold, ...]
) -> None:
    """Monitor the run if its progress is shown or exported, or a threshold may stop it."""
    state, options = state_of(environment), environment.parsed_options
    assert options is not None
    if state.monitor is not None:
        state.monitor.stop()
        state.monitor.metrics.finish()
        state.monitor = None
    options.prepared_telling = NOTHING
    file = ProgressFile(Path(options.progress_file)) if options.progress_file else None
    is_shown = environment.web_ui is not None or file is not None
    export = request_of(options, os.environ, has_web_ui=environment.web_ui is not None)
    if is_shown or export.needs_totals or any(threshold.abort for threshold in thresholds):
        on_broken = functools.partial(_on_broken, environment)
        state.monitor = RunMonitor(
            *(folder_of(environment), manifest, thresholds, on_broken),
            is_shown=is_shown,
            export=export,
            progress_file=file,
        )
        options.prepared_telling = state.monitor.report_detail
