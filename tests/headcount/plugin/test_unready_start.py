"""A start that could make no request, or change a running test's options, is refused."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

# Locust patches the standard library when it is imported, so it runs in a separate process.
SETUP = """
import json, sys
from locust import events
from locust.argument_parser import get_parser
from locust.env import Environment
from locust.runners import STATE_RUNNING, STATE_STOPPED, STATE_STOPPING, WorkerNode
import headcount.plugin
options = get_parser(default_config_files=[]).parse_args(["--reports-dir", sys.argv[1]])
environment = Environment(parsed_options=options, events=events, host="http://127.0.0.1:1")
runner = environment.create_master_runner("127.0.0.1", 0)
web_ui = environment.create_web_ui(delayed_start=True)
events.init.fire(environment=environment, runner=runner, web_ui=web_ui)
form = {"user_count": "1", "spawn_rate": "1"}

def ask(**more):
    return web_ui.app.test_client().post("/swarm", data=form | more).get_json()

def ready_generator():
    runner.clients["worker"] = WorkerNode("worker", heartbeat_liveness=10)
"""
STARTS = """
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
CHANGES = """
ready_generator()
runner.state = STATE_RUNNING
unchanged = {"outcome": "", "id_form": "plain", "settle": "10s", "verify": "false"}
unchanged["host"] = environment.host
answers = [
    ask(**unchanged),
    ask(outcome="404 = acked"),
    ask(**unchanged | {"id_form": "uuid", "id_header": "X-Other"}),
    ask(verify="true"),
    ask(reports_dir="elsewhere", prepared_run="another"),
    ask(host="http://127.0.0.1:2"),
]
hosts = [environment.host]
names = ("outcome", "id_form", "id_header", "verify", "reports_dir", "prepared_run")
kept = {name: getattr(options, name) for name in names}
runner.state = STATE_STOPPED
answers.append(ask(outcome="404 = acked"))
print(json.dumps([answers, kept, options.outcome, hosts]))
"""


def result(script: str, *arguments: str) -> Any:
    """Run the script, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", SETUP + script, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_start_that_nothing_would_come_of(tmp_path: Path) -> None:
    """Without a ready generator or a folder for runs, or while a test is ending, the form says why.

    The users of a running test may change.

    Locust itself would answer "Swarming started" each time.
    """
    blocked = tmp_path / "file"
    blocked.touch()
    answers = result(STARTS, str(tmp_path), str(blocked))
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


def test_a_running_test_keeps_its_options(tmp_path: Path) -> None:
    """A start that would change one, or the host, is refused; when the test is over, it is not.

    Generators that connect later would otherwise use other options than the manifest records.
    """
    answers, kept, outcome, hosts = result(CHANGES, str(tmp_path))
    same, rules, ids, verify, folder, host, stopped = answers
    assert same["success"]
    assert stopped["success"]
    refused = "{} cannot change while a test is running: stop it, and then press Start again"
    assert not rules["success"]
    assert rules["message"] == refused.format("--outcome")
    assert ids["message"] == refused.format("--id-header, --id-form")
    assert verify["message"] == refused.format("--verify")
    assert folder["message"] == refused.format("--reports-dir, --prepared-run")
    assert host["message"] == refused.format("--host")
    assert hosts == ["http://127.0.0.1:1"]
    assert kept == {
        "outcome": "",
        "id_form": "plain",
        "id_header": "",
        "verify": False,
        "reports_dir": str(tmp_path),
        "prepared_run": "",
    }
    assert outcome == "404 = acked"
