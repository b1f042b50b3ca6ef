"""Runs on brokers without topic ids, settings of topics and rights of users."""

import re
from pathlib import Path

import pytest

from headcount.stack.broker import Broker
from tests.e2e.command import CompletedCommand, a_counted_run, headcount
from tests.e2e.test_follow import FOLLOWED
from tests.older_brokers import WITHOUT_EPOCHS, WITHOUT_RIGHTS, OlderBroker, older_broker

pytestmark = pytest.mark.e2e

WITHHELD = ("--app", "tests.harmful.by_number:app")
STOPPED_IF_LOST = ("--threshold", "lost == 0 abort")


@pytest.mark.heavy
def test_a_failing_run(broker: Broker, topic: str, tmp_path: Path) -> None:
    """It is followed, and its loss is found; what the brokers lack is a note."""
    with older_broker(broker.port, WITHOUT_EPOCHS) as older:
        done = followed(older, topic, tmp_path, *WITHHELD)
    check(done, lost=1)
    assert re.search(FOLLOWED, done.err, re.MULTILINE)
    assert not (done.folder / "follow").exists()
    assert older.beyond == set()


@pytest.mark.heavy
def test_a_passing_run(broker: Broker, topic: str, tmp_path: Path) -> None:
    """It is followed, watched while it runs, judged again, and its events are read."""
    with older_broker(broker.port, WITHOUT_RIGHTS) as older:
        done = followed(older, topic, tmp_path, *STOPPED_IF_LOST)
        again = headcount(tmp_path, "verify", str(done.folder), "--spark-heap", "1g")
        events = headcount(tmp_path, "events", str(done.folder))
    for run in (done, again):
        check(run, lost=0)
    assert events.code == 0, events.err
    assert re.search(r"^[1-9][\d,]* rows", events.out, re.MULTILINE)
    assert older.beyond == set()


def followed(older: OlderBroker, topic: str, reports: Path, *more: str) -> CompletedCommand:
    """Run and follow a service that drops the third event, if it is asked to."""
    where = ("--topic", topic, "--reports-dir", str(reports), "--spark-heap", "1g")
    servers = ("--bootstrap-servers", older.bootstrap_servers)
    return headcount(reports, *a_counted_run(*servers, *where, "--follow", *more), FAULTS="drop@3")


def check(run: CompletedCommand, lost: int) -> None:
    """Check a verdict: as many events are lost, and the run was followed to the end."""
    assert run.code == lost, run.err
    assert run.verdict["counts"]["lost"] == lost
    assert "Traceback" not in run.err
    assert "stopped following" not in run.err
    assert "cleanup.policy of the topic are unknown" in " ".join(run.verdict["notes"])
