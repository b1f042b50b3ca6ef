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
import time
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
from headcount.ids import is_run_id, new_run_id, new_tag
from headcount.ledger import LedgerWriter, check_location, open_location, unsealed, warm_up
from headcount.live.guard import Broken
from headcount.live.progress import Progress
from headcount.mix import parse_mix, weighted
from headcount.plugin import interrupt, open_model
from headcount.plugin.health import HealthSampler
from headcount.plugin.interpreter import make_ready
from headcount.plugin.judging import Judging, cannot_judge
from headcount.plugin.live import NOTHING, PROGRESS, Teller
from headcount.plugin.observer import Observer
from headcount.plugin.options import add_options, check, clock_offset_ns, recorded, seed_of
from headcount.plugin.recorder import Recorder
from headcount.plugin.state import state_of
from headcount.plugin.user import LedgerUser
from headcount.plugin.web import add_pages
from headcount.run import JUDGED_BY_PARENT, Generators, Manifest, RunFolder
from headcount.stack import topic
from headcount.thresholds import Threshold
from headcount.verdict import BROKEN_THRESHOLD

STOP_TIMEOUT_S = 15.0
SEAL_TIMEOUT_S = 5.0
POLL_S = 0.05
PACKAGES = ("locust", "gevent", "geventhttpclient", "kafka-python")
"""What the manifest names the versions of."""
LEDGER_FAILED = "headcount_ledger_failed"
GENERATOR_BEGUN = "headcount_generator_begun"

_log = logging.getLogger(__name__)


def register() -> None:
    """Listen to Locust's events; done once, when the plugin is imported."""
    logging.getLogger("kafka").setLevel(logging.WARNING)
    events.init_command_line_parser.add_listener(add_options)
    events.init.add_listener(_on_init)
    events.test_start.add_listener(_on_test_start)
    events.test_stopping.add_listener(_on_test_stopping)
    events.test_stop.add_listener(_on_test_stop)
    events.quitting.add_listener(_on_quitting)


def _on_init(environment: Environment, web_ui: WebUI | None, **_: Any) -> None:
    interrupt.listen()
    # Without it Locust kills what is in flight, whose events may be in the topic all the same.
    environment.stop_timeout = environment.stop_timeout or STOP_TIMEOUT_S
    if not isinstance(environment.runner, MasterRunner):
        warm_up()
    open_model.listen(environment)
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
            _prepare(environment)
            open_model.take_over(environment)
        except HeadcountError as error:
            _give_up(error)


def _give_up(error: HeadcountError) -> NoReturn:
    # Workers that were forked would look for their master for a minute.
    for child in psutil.Process().children():
        child.terminate()
    sys.stderr.write(f"headcount: {error}\n")
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
        environment.process_exit_code = error.exit_code
        environment.runner.log_exception("headcount", str(error), "")
        raise StopTest(str(error)) from None


def _on_test_stopping(environment: Environment, **_: Any) -> None:
    open_model.stop(environment)


def _on_test_stop(environment: Environment, **_: Any) -> None:
    state = state_of(environment)
    was_prepared, state.prepared = state.prepared, False
    # The next run may begin while this one seals, and brings its own.
    observer, path = state.observer, _folder(environment).path
    _write_scheduled(environment)
    _seal(environment)
    if not was_prepared:
        return
    if observer is not None and environment.web_ui is not None:
        observer.finish()
    else:
        _log.info("the run is over; to judge it: headcount verify %s", path)


def _seal(environment: Environment) -> None:
    state = state_of(environment)
    health, recorder, teller = state.health, state.recorder, state.teller
    state.teller = None
    if health is not None:
        health.stop()
    if recorder is not None:
        recorder.seal()
    if teller is not None:
        teller.finish()


def _on_quitting(environment: Environment, **_: Any) -> None:
    """Seal also where a signal came before Locust's own stop was done, and judge if asked to."""
    _end_recording(environment)
    options, observer = environment.parsed_options, state_of(environment).observer
    assert options is not None
    if observer is not None:
        observer.stop()
    if not options.verify or isinstance(environment.runner, WorkerRunner):
        return
    if options.prepared_run and JUDGED_BY_PARENT not in os.environ:
        _judge(environment)


def _judge(environment: Environment) -> None:
    """Judge the run that is over, and let the process end in the verdict's exit code."""
    if why_not := cannot_judge():
        sys.stderr.write(f"headcount: {why_not}\n")
        environment.process_exit_code = environment.process_exit_code or PartError.exit_code
        return
    judging = Judging(_folder(environment))
    try:
        code = judging.wait()
    finally:
        judging.stop()
    sys.stderr.write(judging.said() + "\n")
    # A ledger that failed has said so before, and no verdict mends it.
    if environment.process_exit_code in {None, 0, BROKEN_THRESHOLD}:
        environment.process_exit_code = code


def _end_recording(environment: Environment) -> None:
    runner, recorder = environment.runner, state_of(environment).recorder
    if isinstance(runner, MasterRunner):
        runner.quit()
        _await_seals(environment)
    if recorder is None or runner is None:
        return
    if runner.state in ("spawning", "running"):
        runner.stop()
    open_model.stop(environment)
    deadline = time.monotonic() + environment.stop_timeout
    while recorder.in_flight and time.monotonic() < deadline:
        gevent.sleep(POLL_S)
    _seal(environment)


def _await_seals(environment: Environment) -> None:
    """Stay until the workers have sealed: what waits for this process waits for the whole run."""
    assert environment.parsed_options is not None
    if not environment.parsed_options.prepared_run:
        return
    filesystem, location = open_location(_ledger_location(environment))
    deadline = time.monotonic() + environment.stop_timeout + SEAL_TIMEOUT_S
    while time.monotonic() < deadline:
        if state_of(environment).failed.issuperset(unsealed(filesystem, location)):
            return
        gevent.sleep(POLL_S)
    _log.warning("headcount: a worker has not sealed its ledger in %s", location)


def _write_scheduled(environment: Environment) -> None:
    scheduled = open_model.finish(environment)
    if scheduled is None:
        return
    try:
        _folder(environment).write_scheduled(scheduled)
    except OSError as error:
        _stop(environment, PartError.exit_code, f"the run's folder cannot be written: {error}")


def _on_generator_begun(environment: Environment, msg: Any, **_: Any) -> None:
    """Note a generator, so that a ledger that never comes is missed."""
    begun = state_of(environment).begun
    begun.add(int(msg.data))
    try:
        _folder(environment).write_generators(Generators(tuple(sorted(begun))))
    except OSError as error:
        _stop(environment, PartError.exit_code, f"the ledger cannot be written: {error}")


def _on_progress(environment: Environment, msg: Any, **_: Any) -> None:
    observer = state_of(environment).observer
    if observer is not None:
        observer.tell(Progress.unpacked(msg.data))


def _on_broken(environment: Environment, broken: Broken) -> None:
    """Stop a test whose threshold is broken; in the web UI, Locust itself goes on."""
    if environment.web_ui is None:
        _stop(environment, BROKEN_THRESHOLD, f"the test is stopped: {broken}")
        return
    assert environment.runner is not None
    _log.error("headcount: the test is stopped: %s", broken)
    gevent.spawn(environment.runner.stop)


def _on_ledger_failed(environment: Environment, msg: Any, **_: Any) -> None:
    """Stop the run: a test without its ledger proves nothing."""
    generator, exit_code, reason = msg.data
    state_of(environment).failed.add(int(generator))
    _stop(environment, exit_code, reason)


def _stop(environment: Environment, exit_code: int, reason: str) -> None:
    _log.error("headcount: %s", reason)
    environment.process_exit_code = exit_code
    assert environment.runner is not None
    gevent.spawn(environment.runner.quit)


def _prepare(environment: Environment) -> None:
    options = environment.parsed_options
    assert options is not None
    options.prepared_seed = str(seed_of(options))
    options.ledger = _checked_ledgers(options.ledger)
    thresholds = check(options, environment.user_classes)
    open_model.prepare(environment)
    described = topic.describe(options.bootstrap_servers, options.topic)
    if described is None:
        raise UsageError(
            f"there is no topic {options.topic!r} at {options.bootstrap_servers}: "
            "make it, or name another with --topic"
        )
    options.prepared_run, options.prepared_tag = _new_run(options.run_id), new_tag()
    options.run_id = ""  # the next run from the web form has an id of its own
    folder = _folder(environment)
    if folder.manifest_path.exists():
        raise UsageError(f"{folder.path} exists already: choose another --run-id, or remove it")
    manifest = Manifest(
        run_id=folder.run_id,
        created_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        headcount_version=importlib.metadata.version("headcount"),
        scenario=str(environment.locustfile),
        host=environment.host or LedgerUser.host,
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
        options={**recorded(options), "seed": int(options.prepared_seed)},
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
    state_of(environment).prepared = True
    state_of(environment).begun.clear()
    state_of(environment).failed.clear()
    _observe(environment, manifest, thresholds)
    _log.info("run %s, ledger in %s", folder.run_id, _ledger_location(environment))


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
            _folder(environment), manifest, thresholds, on_broken, is_shown=is_shown
        )
        options.prepared_telling = state.observer.how_much


def _versions(*, has_own_broker: bool) -> dict[str, str]:
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    if has_own_broker:
        # It needs what the command alone brings, and only the command starts a broker.
        from headcount.stack.jars import read_lock  # noqa: PLC0415

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


def _folder(environment: Environment) -> RunFolder:
    options = environment.parsed_options
    assert options is not None
    return RunFolder(Path(options.reports_dir).absolute() / options.prepared_run)


def _checked_ledgers(text: str) -> str:
    """Where ledgers are kept: as workers are told, who may be in another folder. UsageError."""
    if not text or "://" in text:
        return text and check_location("--ledger", text)
    return str(Path(text).absolute())


def _ledger_location(environment: Environment) -> str:
    options, folder = environment.parsed_options, _folder(environment)
    assert options is not None
    return folder.located(folder.ledger_of(options.ledger, options.prepared_tag))


def _apply_mix(environment: Environment) -> None:
    assert environment.parsed_options is not None
    if not environment.parsed_options.mix:
        return
    mix = parse_mix(environment.parsed_options.mix)
    unmixed = state_of(environment).unmixed_tasks
    for user in environment.user_classes:
        tasks = unmixed.setdefault(user, user.tasks)
        user.tasks = weighted(tasks, mix) or tasks


def _begin_recording(environment: Environment) -> None:
    options, runner = environment.parsed_options, environment.runner
    assert options is not None
    assert runner is not None
    generator = max(getattr(runner, "worker_index", 0), 0)
    filesystem, location = open_location(_ledger_location(environment))
    writer = LedgerWriter(filesystem, location, options.prepared_tag, generator)
    try:
        writer.open()
    except OSError as error:
        raise PartError(f"the ledger cannot be written: {error}") from None
    runner.send_message(GENERATOR_BEGUN, generator)
    _apply_mix(environment)
    state = state_of(environment)
    state.random = Random(f"{options.prepared_seed}.{generator}")  # noqa: S311 - traffic
    state.recorder = Recorder(
        writer,
        lambda error: runner.send_message(LEDGER_FAILED, (generator, error.exit_code, str(error))),
        clock_offset_ns(os.environ),
    )
    state.health = HealthSampler(state.recorder)
    if options.prepared_telling:
        send = functools.partial(runner.send_message, PROGRESS)
        state.teller = Teller(generator, state.recorder, options.prepared_telling, send)
    open_model.keep_pace(environment, state.recorder, generator)
    make_ready()
