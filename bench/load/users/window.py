"""The window: counts the work of one Locust in its steady state, without start and end.

It adds `--warm-up`, `--window` (seconds) and `--window-file` (a path) to Locust's options, writes
JSON there when the window is over, and ends the run. With `--start-file`, the window begins once
that file exists, so that several Locusts can begin together. After the warm-up, each creates a file
that is named like its window file, with the suffix `.ready`, and waits. `--pause` is how many
seconds a user waits after each request.
"""

import json
import time
from pathlib import Path
from typing import Any

import gevent
from locust import constant, events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment

_POLL_S = 0.01


def _add_options(parser: LocustArgumentParser) -> None:
    parser.add_argument("--warm-up", type=float, default=1.0)
    parser.add_argument("--window", type=float, default=6.0)
    parser.add_argument("--window-file", default="window.json")
    parser.add_argument("--start-file", default="")
    parser.add_argument("--pause", type=float, default=0.0)


def _on_test_start(environment: Environment, **_: Any) -> None:
    assert environment.parsed_options is not None
    if pause_s := environment.parsed_options.pause:
        for user_class in environment.user_classes:
            user_class.wait_time = constant(pause_s)
    gevent.spawn(_measure, environment)


def _measure(environment: Environment) -> None:
    options = environment.parsed_options
    assert options is not None
    assert environment.runner is not None
    gevent.sleep(options.warm_up)
    if options.start_file:
        Path(options.window_file).with_suffix(".ready").touch()
        while not Path(options.start_file).exists():
            gevent.sleep(_POLL_S)
    before = _totals(environment)
    gevent.sleep(options.window)
    after = _totals(environment)
    counted = {name: after[name] - before[name] for name in after}
    Path(options.window_file).write_text(json.dumps(counted), encoding="utf-8")
    environment.runner.quit()


def _totals(environment: Environment) -> dict[str, float]:
    total = environment.stats.total
    return {
        "requests": total.num_requests,
        "failures": total.num_failures,
        "seconds": time.monotonic(),
        "cpu_seconds": time.process_time(),
    }


events.init_command_line_parser.add_listener(_add_options)
events.test_start.add_listener(_on_test_start)
