"""A locustfile to add to another: ends the run, as a run time does, after enough requests.

Every generator must make ENOUGH requests, however long its machine takes. If a file is awaited, the
run goes on until the file exists.
"""

import itertools
import os
from pathlib import Path
from typing import Any

import gevent
from locust import events
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from tests.headcount.plugin.locusts import AWAITED, ENOUGH

_MADE = "enough_requests_made"
_LOOK_EVERY_S = 0.1


def _on_init(environment: Environment, **_: Any) -> None:
    runner, options = environment.runner, environment.parsed_options
    assert runner is not None
    assert options is not None
    generators = options.expect_workers if isinstance(runner, MasterRunner) else 1
    requests, done = itertools.count(1), itertools.count(1)

    def on_request(**_: Any) -> None:
        if next(requests) == ENOUGH:
            runner.send_message(_MADE)

    def on_made(**_: Any) -> None:
        if next(done) == generators:
            gevent.spawn(quit_in_time)

    def quit_in_time() -> None:
        while AWAITED in os.environ and not any(Path(os.environ[AWAITED]).glob("*")):
            gevent.sleep(_LOOK_EVERY_S)
        runner.quit()

    if not isinstance(runner, MasterRunner):
        environment.events.request.add_listener(on_request)
    if not isinstance(runner, WorkerRunner):
        runner.register_message(_MADE, on_made)


events.init.add_listener(_on_init)
