"""Outcomes set by a scenario or a rule: the ledger records them."""

import json
import subprocess
import sys

import pytest

EXPECTED = {
    "a 200": ["acked", 200],
    "a block without a word": ["acked", 200],
    "failure() on a 200": ["indeterminate", 200],
    "a ResponseError on a 200": ["indeterminate", 200],
    "an assertion on a 200": ["indeterminate", 200],
    "an error on a 200": ["indeterminate", 200],
    "an error on a 404": ["failed", 404],
    "an error on what a rule calls failed": ["failed", 200],
    "an error after success()": ["acked", 200],
    "an error after failure()": ["indeterminate", 200],
    "an error after failed": ["failed", 200],
    "an error after acked": ["acked", 200],
    "an interrupted task set": ["indeterminate", 200],
    "a user killed in the block": ["indeterminate", 200],
    "a block open at the end": ["indeterminate", 200],
    "success() in a block open at the end": ["acked", 200],
    "failure() in a block open at the end": ["indeterminate", 200],
    "failed in a block open at the end": ["failed", 200],
    "failure() on a 404": ["failed", 404],
    "success() on a 404": ["failed", 404],
    "success() on a 500": ["indeterminate", 500],
    "acked on a 500": ["acked", 500],
    "failed on a 200": ["failed", 200],
    "failed and failure() on a 200": ["failed", 200],
    "indeterminate on a 404": ["indeterminate", 404],
    "nonsense on a 200": ["indeterminate", 200],
    "no block": ["acked", 200],
    "a response that is kept": ["acked", 200],
    "an outcome on a response that is kept": ["failed", 200],
    "too late": ["acked", 200],
    "after the block": ["acked", 200],
    "by a rule on the status": ["indeterminate", 202],
    "by a rule on the body": ["failed", 200],
    "by a rule on the head": ["acked", 500],
    "failure() on what a rule calls failed": ["failed", 200],
    "failure() on what a rule calls acked": ["indeterminate", 500],
    "an error on what a rule calls acked": ["indeterminate", 500],
    "acked on what a rule calls failed": ["acked", 200],
    "a stream": ["indeterminate", 200],
    "a body that is not gzip": ["acked", 200],
    "a body that is not gzip, for a rule": ["acked", 200],
    "a stream that is not gzip": ["acked", 200],
    "a block on a body that is not gzip": ["acked", 200],
    "a block that reads what is not gzip": ["indeterminate", 200],
    "failed on a body that is not gzip": ["failed", 200],
    "a refusal that is not gzip": ["failed", 404],
}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[object]]]:
    """Outcome and status by path and case."""
    folder = str(tmp_path_factory.mktemp("ledger"))
    command = [sys.executable, "-m", "tests.headcount.plugin.words", folder]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, dict[str, list[object]]] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize("way", ["short", "general"])
def test_the_ledger_records_the_outcome(
    recorded: dict[str, dict[str, list[object]]], way: str
) -> None:
    """An explicit outcome wins; `failure()` makes acked indeterminate; else the status decides.

    A block that an exception leaves before it has decided makes acked indeterminate. A response
    that is kept and never used in a with block has its row, with the outcome that was set.
    """
    assert recorded[way] == EXPECTED


def test_an_invalid_outcome() -> None:
    """An outcome set too late, or an unknown one, is an error of the scenario."""
    program = """
from types import SimpleNamespace
from headcount.plugin.http.response import AccountedResponse, HeldResponse
for kind in (AccountedResponse, HeldResponse):
    response = kind.__new__(kind)
    response._row = SimpleNamespace(is_written=False)
    try:
        response.outcome = "lost"
    except Exception as error:
        print(type(error).__name__, error)
    response._row.is_written = True
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    first, second = done.stdout.splitlines()
    assert "LocustError" in first
    assert "catch_response=True" in first
    assert second == "ValueError an outcome must be acked, failed or indeterminate, got 'lost'"
