"""Responses of every kind: the ledger records what the service sent."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

Recorded = dict[str, dict[str, list[list[str]]]]

LARGE = "a refusal before the request is read"
"""It cannot be distinguished with TLS."""
NOTED = {
    "a plain answer": ["acked"],
    "an answer while the generator was held up": ["acked"],
    "refused": ["failed"],
    "an interim answer": ["acked"],
    "an interim answer in one packet": ["acked"],
    "an interim answer, and the final one late": ["indeterminate", "acked", "failed"],
    "an interim answer, and the end": ["indeterminate"],
    "more after the response": ["indeterminate"],
    "more after a refusal": ["indeterminate"],
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
    "a gzip body without a byte": ["acked", "acked"],
    "a gzip body that is plain": ["acked", "acked"],
    "a gzip body that lacks its end": ["acked", "acked"],
    "a deflate body that is plain": ["acked", "acked"],
    "a br body that is plain": ["acked", "acked"],
    "an encoding that is not known": ["acked", "acked"],
    "an encoding without a body": ["acked", "acked"],
    "a refusal that cannot be decoded": ["failed"],
    "a refusal that is not UTF-8": ["failed"],
    "a refusal that is not UTF-8, and cut": ["indeterminate"],
    "a refusal that cannot be decoded, and is cut": ["indeterminate"],
    "a gzip body that is cut": ["indeterminate"],
    "an unknown encoding that is cut": ["indeterminate"],
    "a head without an end": ["indeterminate"],
    "a length that is none": ["indeterminate"],
    "two lengths": ["indeterminate"],
    "a head that is not HTTP": ["indeterminate"],
    "silence": ["indeterminate"],
    "nothing, and the end": ["indeterminate"],
    "a reset": ["indeterminate"],
    "a reset within the head": ["indeterminate"],
    "a reset within the body": ["indeterminate"],
    "half a head": ["indeterminate"],
    "a redirect": ["indeterminate"],
    LARGE: ["failed"],
}
CUT_REFUSALS = {
    "a refusal that is not UTF-8, and cut",
    "a refusal that cannot be decoded, and is cut",
}
CUT_OFF = "the response was cut off: "


@pytest.fixture(scope="module")
def by_scheme(tmp_path_factory: pytest.TempPathFactory, certificate: Path) -> dict[str, Recorded]:
    """Outcomes and errors, by scheme, path and kind of response."""
    folder = str(tmp_path_factory.mktemp("ledger"))
    command = [sys.executable, "-m", "tests.headcount.plugin.answers", folder, str(certificate)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, Recorded] = json.loads(done.stdout)
    return result


@pytest.fixture(params=["http", "https"])
def scheme(request: pytest.FixtureRequest) -> str:
    """The service's URL scheme."""
    return str(request.param)


def test_recorded_outcomes(by_scheme: dict[str, Recorded], scheme: str) -> None:
    """On either path, no request gets another's response or a part of one."""
    expected = {name: noted for name, noted in NOTED.items() if scheme == "http" or name != LARGE}
    for way, recorded in by_scheme[scheme].items():
        outcomes = {name: [outcome for outcome, _ in rows] for name, rows in recorded.items()}
        assert outcomes == expected, way


def test_errors_are_the_same_on_both_paths(by_scheme: dict[str, Recorded], scheme: str) -> None:
    """Except for geventhttpclient's remarks on retries, the error texts are the same.

    On the general path, Locust's error for a refusal does not say that its body was cut off.
    """
    recorded = by_scheme[scheme]
    for name, rows in recorded["short"].items():
        prefix = CUT_OFF if name in CUT_REFUSALS else ""
        short = [[outcome, error.removeprefix(prefix)] for outcome, error in rows]
        errors = (error for _, error in short)
        timeout_error = next(
            (error for error in errors if error.startswith("TimeoutError: ")), None
        )
        if timeout_error is None:
            assert short == recorded["general"][name], name
        else:
            repeated = timeout_error.replace("TimeoutError: ", "original=")
            assert any(repeated in error for _, error in recorded["general"][name])
