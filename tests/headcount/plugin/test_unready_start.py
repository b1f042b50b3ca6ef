"""A start that could make no request is refused in the start form, with the reason."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

# Locust patches the standard library when it is imported, so it runs in a separate process.
SCRIPT = """
import json, sys
from locust import events
from locust.argument_parser import get_parser
from locust.env import Environment
from locust.runners import STATE_RUNNING, STATE_STOPPED, STATE_STOPPING, WorkerNode
import headcount.plugin
options = get_parser(default_config_files=[]).parse_args(["--reports-dir", sys.argv[1]])
environment = Environment(parsed_options=options, events=events)
runner = environment.create_master_runner("127.0.0.1", 0)
web_ui = environment.create_web_ui(delayed_start=True)
events.init.fire(environment=environment, runner=runner, web_ui=web_ui)
form = {"user_count": "1", "spawn_rate": "1"}

def ask():
    return web_ui.app.test_client().post("/swarm", data=form).get_json()

def ready_generator():
    runner.clients["worker"] = WorkerNode("worker", heartbeat_liveness=10)

answers = [ask()]
runner.state = STATE_STOPPED
answers.append(ask())
ready_generator()
options.reports_dir = sys.argv[2]
answers.append(ask())
runner.state = STATE_RUNNING
answers.append(ask())
runner.state = STATE_STOPPED
options.reports_dir = sys.argv[1]
answers.append(ask())
runner.state = STATE_STOPPING
answers.append(ask())
print(json.dumps(answers))
"""


def test_a_start_that_nothing_would_come_of(tmp_path: Path) -> None:
    """Without a ready generator or a folder for runs, or while a test is ending, the form says why.

    The users of a running test may change.

    Locust itself would answer "Swarming started" each time.
    """
    blocked = tmp_path / "file"
    blocked.touch()
    arguments = [str(tmp_path), str(blocked)]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout.splitlines()[-1])
    never, again, folder, running, ready, ending = answers
    assert [answer["success"] for answer in answers] == [*(False, False, False, True, True, False)]
    assert never["message"].startswith("no generator has connected yet")
    assert again["message"] == (
        "no generator is ready: after a test, generators reconnect within 15 s (--stop-timeout); "
        "then press Start again"
    )
    assert folder["message"].startswith(f"{blocked} is not a folder: ")
    assert ending["message"].startswith("the previous test is still being stopped")
    assert running["message"] == ready["message"] == "Swarming started"
