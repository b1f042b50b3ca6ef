"""Answers of every kind: what the ledger notes of one is what the service has said of it."""

import json
import subprocess
import sys

import pytest

Noted = dict[str, dict[str, list[list[str]]]]

NOTED = {
    "a plain answer": ["acked"],
    "refused": ["failed"],
    "an interim answer": ["acked"],
    "an interim answer in one packet": ["acked"],
    "an interim answer, and the final one late": ["indeterminate", "acked", "failed"],
    "an interim answer, and the end": ["indeterminate"],
    "more behind the answer": ["indeterminate"],
    "more behind a refusal": ["indeterminate"],
    "a body that is cut": ["indeterminate"],
    "a body that never comes": ["indeterminate"],
    "a body in chunks that is cut": ["indeterminate"],
    "a body in chunks": ["acked", "acked"],
    "no body": ["acked", "acked"],
    "a body to the end": ["acked"],
    "the last on its connection": ["acked", "acked"],
    "a body that comes later": ["acked", "acked"],
    "a head in pieces": ["acked", "acked"],
    "a long body": ["acked", "acked"],
    "a body that is encoded": ["acked", "acked"],
    "a head without an end": ["indeterminate"],
    "a length that is none": ["indeterminate"],
    "two lengths": ["indeterminate"],
    "a head that is no HTTP": ["indeterminate"],
    "silence": ["indeterminate"],
    "nothing, and the end": ["indeterminate"],
    "a reset": ["indeterminate"],
    "a reset within the head": ["indeterminate"],
    "a reset within the body": ["indeterminate"],
    "half a head": ["indeterminate"],
    "a redirect": ["indeterminate"],
}


@pytest.fixture(scope="module")
def noted(tmp_path_factory: pytest.TempPathFactory) -> Noted:
    """Outcomes and errors, by the way that a request is sent and by what answers it."""
    folder = str(tmp_path_factory.mktemp("ledger"))
    command = [sys.executable, "-m", "tests.headcount.plugin.answers", folder]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    result: Noted = json.loads(done.stdout)
    return result


def test_what_is_noted_is_what_was_said(noted: Noted) -> None:
    """No request is given another's answer, nor a part of one, whichever way it is sent."""
    for way, found in noted.items():
        outcomes = {name: [outcome for outcome, _ in each] for name, each in found.items()}
        assert outcomes == NOTED, way


def test_errors_are_the_same_whichever_way(noted: Noted) -> None:
    """What broke an answer off is told in the same words, but for geventhttpclient's of repeats."""
    for name, short in noted["short"].items():
        if ["indeterminate", "TimeoutError: timed out"] in short:
            assert any("original=timed out" in error for _, error in noted["general"][name])
        else:
            assert short == noted["general"][name], name
