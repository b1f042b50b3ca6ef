"""Plain requests: on the wire and for the scenario, the short path equals the general one."""

import json
import subprocess
import sys
from typing import Any

import pytest

Seen = list[dict[str, Any]]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Seen]:
    """What Locust's session and the ledger's sent and received for the same requests."""
    folder = str(tmp_path_factory.mktemp("ledger") / "ledger")
    command = [sys.executable, "-m", "tests.headcount.plugin.both_ways", folder]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, Seen] = json.loads(done.stdout)
    return result


def test_no_request_is_split(seen: dict[str, Any]) -> None:
    """A header, method or URL with a line break is refused, or sent without being interpreted."""
    plain, ledger = seen["split"]
    assert ledger == plain
    assert all(raised for raised, _ in ledger[:-1])
    assert not any(is_split for _, is_split in ledger)


def test_the_same_bytes_are_sent(seen: dict[str, Seen]) -> None:
    """Request line, headers and body equal those of Locust's session; no field occurs twice."""
    sent = {
        way: [(request["first"], request["fields"], request["body"]) for request in seen[way]]
        for way in ("plain", "ledger")
    }
    assert len(sent["plain"]) > 10
    assert sent["ledger"] == sent["plain"]


def test_the_same_is_seen(seen: dict[str, Seen]) -> None:
    """Status, text, errors, cookies and the response's request are the same."""
    for plain, ledger in zip(seen["plain"], seen["ledger"], strict=True):
        differing = {key for key in plain if plain[key] != ledger[key]}
        # For a response that is not HTTP, Locust's session names a newly built request.
        made_up = {"request_body", "request_fields"} if plain["status"] == 0 else set()
        assert differing <= made_up, (plain, ledger)


def test_the_requests_cover_all_cases(seen: dict[str, Seen]) -> None:
    """They include a refusal, an error, chunks and a cookie."""
    ledger = {request["first"].split()[1]: request for request in seen["ledger"]}
    assert (ledger["/refused"]["status"], ledger["/refused"]["error"]) == (
        409,
        "LocustBadStatusCode",
    )
    assert ledger["/broken"]["error"] == "HTTPParseError"
    assert ledger["/cookie"]["cookies"] == ["a"]
    assert "CookieCookie: a=b" in ledger["/after-the-cookie"]["fields"]
    assert {"10\r\na body in chunks\r\n0\r\n\r\n", "8\r\nstreamed\r\n0\r\n\r\n"} < {
        request["body"] for request in seen["ledger"]
    }
