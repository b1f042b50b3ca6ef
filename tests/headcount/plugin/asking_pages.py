"""Sends the requests on stdin to the plugin's pages, and prints the responses; opens no port.

Stdin has waves of requests, by name; the requests of a wave are sent at once. It is a program of
its own, because Locust patches the standard library when it is imported.
"""

import functools
import json
import sys
from typing import Any

import gevent
from locust import events
from locust.argument_parser import get_parser
from locust.env import Environment

import headcount.plugin  # noqa: F401 - registers the pages
from headcount.plugin.web import past_run_pages
from headcount.plugin.web.comparison import TIMEOUT_S, compare


def answers(reports: str, waves: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Send the requests, and return the responses by request name."""
    options = get_parser(default_config_files=[]).parse_args(["--reports-dir", reports])
    environment = Environment(parsed_options=options, events=events)
    runner = environment.create_local_runner()
    web_ui = environment.create_web_ui(delayed_start=True)
    events.init.fire(environment=environment, runner=runner, web_ui=web_ui)
    app = web_ui.app
    assert app is not None

    def ask(request: dict[str, Any]) -> dict[str, Any]:
        answer = app.test_client().open(**request)
        return {
            "status": answer.status_code,
            "text": answer.get_data(as_text=True),
            "policy": answer.headers.get("Content-Security-Policy", ""),
            "shared": answer.headers.get("Access-Control-Allow-Origin", ""),
        }

    made: dict[str, dict[str, Any]] = {}
    for wave in waves:
        timeout_s = wave.pop("timeout_s", TIMEOUT_S)
        past_run_pages.compare = functools.partial(compare, timeout_s=timeout_s)  # type: ignore[attr-defined]
        asked = {name: gevent.spawn(ask, request) for name, request in wave.items()}
        made |= {name: greenlet.get() for name, greenlet in asked.items()}
    return made


if __name__ == "__main__":
    sys.stdout.write(json.dumps(answers(sys.argv[1], json.load(sys.stdin))))
