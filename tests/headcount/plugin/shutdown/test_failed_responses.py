"""Answers of every kind: what the ledger notes of one is what the service has said of it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

Noted = dict[str, dict[str, list[list[str]]]]

LARGE = "a refusal before the request is read"
"""It cannot be told with TLS."""
NOTED = {
    "a plain answer": ["acked"],
    "an answer while the generator was held up": ["acked"],
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
    LARGE: ["failed"],
}


@pytest.fixture(scope="module")
def all_noted(tmp_path_factory: pytest.TempPathFactory, certificate: Path) -> dict[str, Noted]:
    """Outcomes and errors, by scheme, the way that a request is sent, and what answers it."""
    folder = str(tmp_path_factory.mktemp("ledger"))
    command = [sys.executable, "-m", "tests.headcount.plugin.answers", folder, str(certificate)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, Noted] = json.loads(done.stdout)
    return result


@pytest.fixture(params=["http", "https"])
def scheme(request: pytest.FixtureRequest) -> str:
    """What the service speaks."""
    return str(request.param)


def test_what_is_noted_is_what_was_said(all_noted: dict[str, Noted], scheme: str) -> None:
    """No request is given another's answer, nor a part of one, whichever way it is sent."""
    expected = {name: each for name, each in NOTED.items() if scheme == "http" or name != LARGE}
    for way, found in all_noted[scheme].items():
        outcomes = {name: [outcome for outcome, _ in each] for name, each in found.items()}
        assert outcomes == expected, way


def test_errors_are_the_same_whichever_way(all_noted: dict[str, Noted], scheme: str) -> None:
    """What broke an answer off is told in the same words, but for geventhttpclient's of repeats."""
    noted = all_noted[scheme]
    for name, short in noted["short"].items():
        told = next((error for _, error in short if error.startswith("TimeoutError: ")), None)
        if told is None:
            assert short == noted["general"][name], name
        else:
            repeated = told.replace("TimeoutError: ", "original=")
            assert any(repeated in error for _, error in noted["general"][name])
