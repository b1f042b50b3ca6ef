"""The shutdown sequence: seals the run, and verifies it if requested, whatever user code does.

Locust fires `quitting`, computes its exit code, fires `quit` and exits. A listener of the scenario
may overwrite that code, raise, or call `sys.exit`, there or much earlier. This module therefore
listens last, and checks again at interpreter exit, where it corrects a wrong exit code. After
`os._exit` or an uncatchable signal it cannot do so.
"""

import atexit
import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import gevent
from locust.env import Environment
from locust.event import Events
from locust.runners import (
    STATE_CLEANUP,
    STATE_INIT,
    STATE_STOPPED,
    MasterRunner,
    WorkerRunner,
)

from headcount.errors import HeadcountError, PartError
from headcount.ledger.location import open_location, unsealed
from headcount.plugin import arrival_driver
from headcount.plugin.environment_state import state_of
from headcount.plugin.event_hooks import move_to_front
from headcount.plugin.missing_verifier import why_not_verifiable
from headcount.plugin.run_folder import folder_of, ledger_location
from headcount.plugin.shutdown import failed_responses, listener_errors
from headcount.plugin.shutdown.exit_code import code_of, write_exit
from headcount.plugin.shutdown.last_reports import LastReports
from headcount.plugin.shutdown.verification import Verification
from headcount.run.manifest import JUDGED_BY_PARENT

SEAL_TIMEOUT_S = 5.0
POLL_S = 0.05
_IDLE = (STATE_INIT, STATE_STOPPED)
_LOCUSTS_DEFAULT = 1
"""The default of --exit-code-on-error."""
_BUG = 70
"""The exit code until the verification has ended."""

_log = logging.getLogger(__name__)
_environment: Environment | None = None


def listen(events: Events) -> None:
    """Register the listeners for Locust's end, once, when the plugin is imported."""
    # First, so that this also runs if another listener calls `sys.exit`.
    move_to_front(events.init, _on_init)
    events.quitting.add_listener(_on_quitting)
    events.quit.add_listener(_on_quit)
    # Registered first, so called last: after Locust has waited for its workers.
    atexit.register(_at_exit)


def give_up(environment: Environment, error: HeadcountError) -> None:
    """Record the error that decides Locust's exit code, whatever else happens."""
    state = state_of(environment)
    state.error = state.error or error
    environment.process_exit_code = state.error.exit_code


def seal(environment: Environment) -> None:
    """Seal the ledger, and return when that is done. Idempotent."""
    state = state_of(environment)
    if state.sealing is None:
        # In a separate greenlet, because the one that waits for it may be killed.
        state.sealing = gevent.spawn(_seal, environment)
    state.sealing.join()


def _seal(environment: Environment) -> None:
    state = state_of(environment)
    reporter, state.reporter = state.reporter, None
    if state.health is not None:
        state.health.stop()
    if state.recorder is not None:
        state.recorder.seal()
    if reporter is not None:
        reporter.finish()


def _on_init(environment: Environment, **_: Any) -> None:
    global _environment  # noqa: PLW0603 - exit handlers get no arguments
    _environment = environment
    listener_errors.listen(environment)
    failed_responses.listen(environment)
    move_to_front(environment.events.quitting, _on_quitting)  # Locust calls these in reverse order
    options = environment.parsed_options
    assert options is not None
    is_default = options.exit_code_on_error == _LOCUSTS_DEFAULT
    if options.verify and is_default and JUDGED_BY_PARENT not in os.environ:
        # The verdict, not Locust, judges failed requests.
        options.exit_code_on_error = 0


def _on_quitting(environment: Environment, **_: Any) -> None:
    hook = environment.events.quit
    hook.remove_listener(_on_quit)
    hook.add_listener(_on_quit)  # called last
    _finish(environment, code_of(environment))
    exit_code = state_of(environment).exit_code
    if exit_code is not None:
        environment.process_exit_code = exit_code


def _on_quit(exit_code: int, **_: Any) -> None:
    if _environment is not None:
        state_of(_environment).announced_code = exit_code


def _at_exit() -> None:
    """Finish the shutdown if the process exits early, and correct a wrong exit code."""
    if _environment is None:
        return
    state = state_of(_environment)
    if state.was_interrupted:
        if state.sealing is not None:
            state.sealing.join(SEAL_TIMEOUT_S)
        return
    _finish(_environment, None if state.error is None else state.error.exit_code)
    if state.exit_code in {None, 0, state.announced_code}:
        return
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # the reader may be gone
            stream.flush()
    os._exit(state.exit_code or 0)


def _finish(environment: Environment, exit_code: int | None) -> None:
    """End the run once; concurrent callers, such as a second signal, wait for it."""
    state = state_of(environment)
    if state.finishing is None:
        state.finishing = gevent.spawn(_end, environment, exit_code)
    try:
        state.finishing.join()
    except KeyboardInterrupt:
        state.was_interrupted = True
        state.finishing.kill()
        raise


def _end(environment: Environment, exit_code: int | None) -> None:
    state, is_worker = state_of(environment), isinstance(environment.runner, WorkerRunner)
    is_verified = not is_worker and _verifies_here(environment)
    if is_verified:
        state.exit_code = _BUG  # replaced once the verification has ended
    _end_recording(environment)
    if state.monitor is not None:
        state.monitor.stop()
    if state.has_run and not is_worker:
        write_exit(environment, exit_code)
    if is_verified:
        state.exit_code = _verify(environment)
    elif state.error is not None:
        state.exit_code = state.error.exit_code
    if state.monitor is not None:
        state.monitor.metrics.finish()


def _verifies_here(environment: Environment) -> bool:
    options = environment.parsed_options
    assert options is not None
    if not options.verify or JUDGED_BY_PARENT in os.environ:
        return False
    # In a web UI there may never have been a test.
    return state_of(environment).has_run or environment.web_ui is None


def _verify(environment: Environment) -> int:
    """Verify the finished run, and return the exit code for the process."""
    state = state_of(environment)
    if not state.has_run:
        if state.error is not None:
            return state.error.exit_code
        sys.stderr.write("headcount: Locust ended before there was a run to judge\n")
        return PartError.exit_code
    if why_not := why_not_verifiable(f"verify {folder_of(environment).run_id}"):
        sys.stderr.write(f"headcount: {why_not}\n")
        return PartError.exit_code if state.error is None else state.error.exit_code
    verification = Verification(folder_of(environment))
    try:
        code = verification.wait()
    finally:
        verification.stop()
    sys.stderr.write(verification.output() + "\n")
    return code if code >= 0 else PartError.exit_code


def _end_recording(environment: Environment) -> None:
    runner, recorder = environment.runner, state_of(environment).recorder
    if isinstance(runner, MasterRunner):
        _run_despite_listeners(runner.quit)
        monitor = state_of(environment).monitor
        reports = None if monitor is None else LastReports(runner, monitor)
        is_sealed = _await_seals(environment)
        if reports is not None:
            if is_sealed:
                reports.await_all(state_of(environment).begun - state_of(environment).failed)
            reports.close()
    if recorder is None or runner is None:
        return
    deadline = time.monotonic() + environment.stop_timeout
    while runner.state == STATE_CLEANUP and time.monotonic() < deadline:
        gevent.sleep(POLL_S)  # another greenlet is stopping it
    if runner.state not in _IDLE and not _run_despite_listeners(runner.stop):
        runner.stop_users(runner.user_classes_count)
    arrival_driver.stop(environment)
    while recorder.in_flight and time.monotonic() < deadline:
        gevent.sleep(POLL_S)
    seal(environment)


def _run_despite_listeners(step: Callable[[], None]) -> bool:
    """Run a step of Locust's; return False if a listener's error cut it short."""
    try:
        step()
    except (SystemExit, Exception) as error:  # noqa: BLE001 - a listener's, whatever it is
        _log.error("headcount: a listener interrupted the end of the test: %r", error)
        return False
    return True


def _await_seals(environment: Environment) -> bool:
    """Wait until the workers have sealed, so that this process ends only after the whole run.

    Return whether they have.
    """
    state = state_of(environment)
    if not state.has_run:
        return False
    filesystem, location = open_location(ledger_location(environment))
    deadline = time.monotonic() + environment.stop_timeout + SEAL_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            if state.failed.issuperset(unsealed(filesystem, location)):
                return True
        except OSError as error:
            _log.error("headcount: the ledger cannot be read: %s", error)
            return False
        gevent.sleep(POLL_S)
    _log.warning("headcount: a worker has not sealed its ledger in %s", location)
    return False
