"""The first response of each kind of failure: also of those that the scenario calls a success."""

import json
import subprocess
import sys

CODE = """
import json
from types import SimpleNamespace
from locust.env import Environment
from headcount.plugin.environment_state import state_of
from headcount.plugin.shutdown.failed_responses import listen

environment = Environment()
listen(environment)

def fire(status, text, exception=None):
    response = SimpleNamespace(status_code=status, _cached_content=text.encode())
    environment.events.request.fire(exception=exception, response=response, request_type="POST",
        name="/", context={}, start_time=0, url="", response_time=1, response_length=1)

fire(200, "thanks")
fire(None, "of another client")
fire("OK", "of yet another")
fire(404, "no such item")
fire(404, "nor such a one")
fire(503, "closed", ValueError("503"))
fire(200, "sold out", ValueError("called a failure"))
print(json.dumps(state_of(environment).answers))
"""


def test_a_refusal_that_counts_as_a_success_is_recorded() -> None:
    """A success is not; a 2xx that the scenario calls a failure is."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"404": "no such item", "503": "closed", "200": "sold out"}
