"""What a scenario or a rule says of an answer is what the ledger has of it."""

import json
import subprocess
import sys

import pytest

NOTED = {
    "a 200": ["acked", 200],
    "a block without a word": ["acked", 200],
    "failure() on a 200": ["indeterminate", 200],
    "a ResponseError on a 200": ["indeterminate", 200],
    "an assertion on a 200": ["acked", 200],
    "failure() on a 404": ["failed", 404],
    "success() on a 404": ["failed", 404],
    "success() on a 500": ["indeterminate", 500],
    "acked on a 500": ["acked", 500],
    "failed on a 200": ["failed", 200],
    "failed and failure() on a 200": ["failed", 200],
    "indeterminate on a 404": ["indeterminate", 404],
    "nonsense on a 200": ["acked", 200],
    "no block": ["acked", 200],
    "a response that is kept": ["acked", 200],
    "too late": ["acked", 200],
    "after the block": ["acked", 200],
    "by a rule on the status": ["indeterminate", 202],
    "by a rule on the body": ["failed", 200],
    "by a rule on the head": ["acked", 500],
    "failure() on what a rule calls failed": ["failed", 200],
    "acked on what a rule calls failed": ["acked", 200],
    "a stream": ["indeterminate", 200],
}


@pytest.fixture(scope="module")
def noted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[object]]]:
    """Outcome and status by the way that a request is sent, and what is said of its answer."""
    folder = str(tmp_path_factory.mktemp("ledger"))
    command = [sys.executable, "-m", "tests.headcount.plugin.words", folder]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, list[object]]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("way", ["short", "general"])
def test_the_ledger_has_what_was_said(noted: dict[str, dict[str, list[object]]], way: str) -> None:
    """An explicit word holds; `failure()` proves nothing but that a 2xx does not; else the answer.

    What is neither put into a with block nor let go has its row all the same.
    """
    assert noted[way] == NOTED


def test_a_word_that_is_refused_is_told() -> None:
    """A word that comes too late, and one that is no outcome, are errors of the scenario."""
    program = """
from headcount.plugin.http.response import AccountedResponse, HeldResponse
from headcount.run.outcome import Outcome
for kind in (AccountedResponse, HeldResponse):
    response = kind.__new__(kind)
    response._is_settled = kind is AccountedResponse
    response._settle = lambda outcome: None
    try:
        response.outcome = "lost"
    except Exception as error:
        print(type(error).__name__, error)
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    first, second = done.stdout.splitlines()
    assert "LocustError" in first
    assert "catch_response=True" in first
    assert second == "ValueError an outcome is acked, failed or indeterminate, got 'lost'"
