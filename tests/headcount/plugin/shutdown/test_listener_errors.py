"""What is recorded besides the ledger: listeners' errors, and responses to failed requests."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
from locust.event import Events
from locust.env import Environment
from headcount.plugin.shutdown import listener_errors
from headcount.plugin.shutdown.exit_code import code_of
from headcount.plugin.environment_state import state_of

events = Events()
environment = Environment(events=events)
environment.create_local_runner()
listener_errors.listen(environment)
environment.parsed_options = type("Options", (), {"exit_code_on_error": 6})

@events.test_stop.add_listener
def late(**_):
    raise RuntimeError("no stop")

@events.quitting.add_listener
def deep(**_):
    int("x" * 999)

def fire():
    events.test_stop.fire(environment=environment)
    events.quitting.fire(environment=environment)

fire()
fire()
for problem in state_of(environment).problems:
    print(problem)
print(code_of(environment))
environment.runner.log_exception("node", "it broke", "here")
print(code_of(environment))
environment.process_exit_code = 7
print(code_of(environment))
"""


def lines_of(text: str, folder: Path) -> list[str]:
    """Run a program, and return the lines of its output."""
    program = folder / "program.py"
    program.write_text(text)
    command = [sys.executable, str(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_listener_errors(tmp_path: Path) -> None:
    """Each error is recorded once; the exit code is computed as Locust does."""
    first, second, *codes = lines_of(PROGRAM, tmp_path)
    assert first.startswith("a listener of Locust's test_stop raised RuntimeError: no stop, at ")
    assert "program.py, line 16" in first
    assert second.startswith("a listener of Locust's quitting raised ValueError: ")
    assert len(second) < 400
    assert codes == ["2", "6", "7"]


ANSWERED = """
from locust.env import Environment
from headcount.plugin.shutdown import failed_responses
from headcount.plugin.environment_state import state_of

class Response:
    def __init__(self, status, body):
        self.status_code, self._cached_content = status, body

environment = Environment()
environment.create_local_runner()
failed_responses.listen(environment)

def fire(response, exception):
    environment.events.request.fire(
        request_type="GET", name="/", response_time=1, response_length=1, context={},
        response=response, exception=exception,
    )

fire(Response(200, b"fine"), None)
fire(Response(404, b"<h1>\\n  no\\x1b[31m such page</h1>" + b"x" * 9999), ValueError("404"))
fire(Response(404, b"another"), ValueError("404"))
fire(Response(500, None), ValueError("500"))
fire(Response(0, None), ConnectionRefusedError(111, "Connection refused"))
fire(None, ValueError("nobody knows"))
for kind, text in state_of(environment).answers.items():
    print(kind, text)
"""


def test_failed_responses(tmp_path: Path) -> None:
    """The first of each status and error is kept: its beginning, as one printable line."""
    not_found, *others = lines_of(ANSWERED, tmp_path)
    assert not_found.startswith("404 <h1> no [31m such page</h1>xxx")
    assert len(not_found) == len("404 ") + 200
    assert others == ["500 ", "ConnectionRefusedError [Errno 111] Connection refused"]
