"""Refuses to start a test that could make no request; the start form then shows the reason.

Locust itself reports such a start as a success: with no worker ready it only logs a warning. While
a test is being stopped, it lets generators that are ready join that test's run.

A start while a test is running changes the test's users. It is refused if it would also change the
host or options of Headcount: the run's manifest has those of the first start, but users would go to
the other host, and a generator that connects later would use the changed options.
"""

import os

from flask import Response, jsonify, request
from locust.env import Environment
from locust.runners import (
    STATE_CLEANUP,
    STATE_INIT,
    STATE_RUNNING,
    STATE_SPAWNING,
    STATE_STOPPING,
    MasterRunner,
)

from headcount.plugin.web.past_run_pages import reports_dir
from headcount.plugin.web.start_form import changed_options
from headcount.run.reports_folder import why_not_writable

_UNDER_WAY = frozenset({STATE_RUNNING, STATE_SPAWNING})
_ENDING = frozenset({STATE_CLEANUP, STATE_STOPPING})


def refuse_unready(environment: Environment) -> Response | None:
    """Answer the start form if no test can start or change now; None if one can."""
    if request.endpoint != "locust.swarm":
        return None
    message = why_not_ready(environment)
    if not message:
        return None
    return jsonify({"success": False, "message": message, "host": environment.host})


def why_not_ready(environment: Environment) -> str:
    """Say why no test can start now; empty if one can, or if one is running and may be changed."""
    runner = environment.runner
    assert runner is not None
    if runner.state in _UNDER_WAY:
        return _why_not_changed(environment)
    if runner.state in _ENDING:
        return (
            "the previous test is still being stopped, because some of its requests have no "
            "response yet; when it has stopped, press Start again"
        )
    no_generator = _why_no_generator(runner) if isinstance(runner, MasterRunner) else ""
    return no_generator or why_not_writable(reports_dir(environment), os.environ)


def _why_not_changed(environment: Environment) -> str:
    changed = ", ".join(changed_options(environment))
    if not changed:
        return ""
    return f"{changed} cannot change while a test is running: stop it, and then press Start again"


def _why_no_generator(runner: MasterRunner) -> str:
    clients = runner.clients
    if clients.ready or clients.running or clients.spawning:
        return ""
    if runner.state == STATE_INIT:
        return "no generator has connected yet: start one with locust --worker"
    # After a test, Locust's workers sleep for the stop time-out, and then connect again.
    wait_s = runner.environment.stop_timeout
    return (
        f"no generator is ready: after a test, generators reconnect within {wait_s:g} s "
        "(--stop-timeout); then press Start again"
    )
