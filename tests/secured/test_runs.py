"""Runs on a secured cluster: every command works, finds what is lost, and shows no secret."""

import re
from pathlib import Path

import pytest
from confluent_kafka.admin import AclOperation  # type: ignore[attr-defined] # it re-exports it

from tests.e2e.command import CompletedCommand, a_counted_run, headcount
from tests.headcount.plugin.locusts import AWAITED
from tests.secured.broker import LISTENERS, SecuredBroker
from tests.secured.conftest import TOPIC
from tests.secured.exposure import Exposure, watched

pytestmark = pytest.mark.e2e

RIGHTS = (AclOperation.READ, AclOperation.WRITE, AclOperation.DESCRIBE)
FAILING_BY_LISTENER = [
    pytest.param(name, marks=pytest.mark.slow if name == "scram" else pytest.mark.heavy)
    for name in LISTENERS
]


def run(
    secured: SecuredBroker, listener: str, reports: Path, topic: str, *more: str, faults: str = ""
) -> CompletedCommand:
    """Run the game's scenario against a listener."""
    secured.allow(topic, RIGHTS)
    config = ("--kafka-config", str(secured.config(listener)), "--topic", topic)
    where = ("--reports-dir", str(reports), "--spark-heap", "1g")
    return headcount(reports, *a_counted_run(*config, *where), *more, FAULTS=faults)


@pytest.mark.heavy
@pytest.mark.parametrize("listener", LISTENERS)
def test_what_is_delivered_passes(secured: SecuredBroker, listener: str, tmp_path: Path) -> None:
    """The live watch, the verdict and the events, with the rights to read and write alone."""
    abort = ("--threshold", "lost == 0 abort")
    config = str(secured.config(listener))
    with watched(secured.secrets) as exposure:
        done = run(secured, listener, tmp_path, f"passing-{listener}", *abort)
        events = headcount(tmp_path, "events", str(done.folder), "--kafka-config", config)
    assert done.code == 0, done.err
    assert "cleanup.policy of the topic are unknown" in " ".join(done.verdict["notes"])
    assert "Traceback" not in done.err
    assert events.code == 0, events.err
    assert re.search(r"^[1-9][\d,]* rows", events.out, re.MULTILINE)
    assert_hidden(exposure, tmp_path, done, events)


@pytest.mark.parametrize("listener", FAILING_BY_LISTENER)
def test_what_is_lost_fails(
    secured: SecuredBroker, listener: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One event is withheld: followed or judged afterwards, it is missed, and no secret shows."""
    config = ("--kafka-config", str(secured.config(listener)))
    follow = ("--follow", "--app", "tests.harmful.by_number:app")
    show_spark = ("--spark-conf", "spark.ui.enabled=true")
    with watched(secured.secrets) as exposure:
        topic = f"failing-{listener}"
        # The run goes on until Spark has read a part of the topic, so that there is a plan to see.
        monkeypatch.setenv(AWAITED, str(tmp_path / "run-1" / "follow" / "pieces"))
        done = run(secured, listener, tmp_path, topic, *follow, *show_spark, faults="drop@3")
        assert done.code == 1, done.err
        assert done.verdict["counts"]["lost"] == 1
        assert "stopped following" not in done.err
        again = headcount(tmp_path, "verify", str(done.folder), *config, *show_spark)
        assert again.code == 1, again.err
    assert again.verdict["counts"] == done.verdict["counts"]
    assert {"environment/", "SQL/execution/", "StreamingQuery/"} <= exposure.pages
    assert_hidden(exposure, tmp_path, done, again)


def assert_hidden(exposure: Exposure, reports: Path, *commands: CompletedCommand) -> None:
    """Check that no secret was seen, nor is in the reports folder or in the commands' output."""
    exposure.check_files(reports)
    for command in commands:
        exposure.check("the output", f"{command.out}{command.err}".encode())
    assert exposure.exposed == set()


@pytest.mark.heavy
def test_tokens_that_live_shorter_than_the_run(secured: SecuredBroker, tmp_path: Path) -> None:
    """Tokens of 10 s: every client renews them, and the run passes.

    kafka-python sometimes waits for its request timeout of 30 s when it renews its login, so
    requests may be unanswered when the run ends.
    """
    secured.allow("renewed", RIGHTS)
    secured.tokens.life_s = 10.0
    try:
        config = ("--kafka-config", str(secured.config("oauth")), "--topic", "renewed")
        where = ("--reports-dir", str(tmp_path), "--run-id", "run-1", "--spark-heap", "1g")
        abort = ("--threshold", "lost == 0 abort")
        done = headcount(tmp_path, "run", "-u", "5", "-t", "60s", *config, *where, *abort)
    finally:
        secured.tokens.life_s = 300.0
    assert done.code == 0, done.err
    counts = done.verdict["counts"]
    assert counts["delivered"] + counts["recovered"] == counts["attempted"], counts
    assert counts["delivered"] > counts["recovered"]


@pytest.mark.heavy
def test_the_embedded_broker_can_be_secured(tmp_path: Path) -> None:
    """`--secure` needs no other option; its password ends with the command."""
    options = ("--secure", "--reports-dir", str(tmp_path), "--spark-heap", "1g")
    temporary, passwords = tmp_path / "tmp", set[str]()
    temporary.mkdir()

    def secrets() -> set[str]:
        for file in temporary.glob("headcount-secure-*/client.properties"):
            passwords.update(re.findall(r"^sasl\.password=(.+)$", file.read_text(), re.MULTILINE))
        return passwords

    with watched(secrets) as exposure:
        done = headcount(tmp_path, *a_counted_run(*options), TMPDIR=str(temporary))
    assert done.code == 0, done.err
    assert len(passwords) == 1
    assert_hidden(exposure, tmp_path, done)
    assert done.verdict["counts"]["delivered"] == done.verdict["counts"]["attempted"] > 0
    assert list(temporary.glob("headcount-secure-*")) == []
    again = headcount(tmp_path, "verify", str(done.folder), "--spark-heap", "1g")
    assert again.code == 0, again.err
    refused = headcount(tmp_path, "run", "--secure", "--bootstrap-servers", "127.0.0.1:1")
    assert refused.code == 2
    assert "--secure applies only to a broker that Headcount starts" in refused.err


@pytest.mark.slow
def test_a_refused_run_ends_with_one_line(secured: SecuredBroker, tmp_path: Path) -> None:
    """Exit code 5 and the reason, for a wrong password and for a right that is missing."""
    secured.allow("unreadable", (AclOperation.DESCRIBE,))
    for config, topic, reason in (
        (secured.config("scram", sasl_password="wrong"), TOPIC, "refuses the login"),  # noqa: S106
        (secured.config("plain"), "unreadable", "is not allowed to read the topic 'unreadable'"),
    ):
        options = ("--kafka-config", str(config), "--topic", topic, "--reports-dir", str(tmp_path))
        done = headcount(tmp_path, "run", "-t", "5s", *options)
        assert done.code == 5, done.err
        assert "Traceback" not in done.err
        (line,) = (line for line in done.err.splitlines() if line.startswith("headcount: "))
        assert reason in line
        assert "Locust" not in done.err  # neither it nor a service was started for that
