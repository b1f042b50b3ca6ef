"""Runs on brokers without topic ids, settings of topics and rights of users."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from headcount.stack.broker import Broker
from tests.e2e.command import a_counted_run, headcount
from tests.older_brokers import WITHOUT_EPOCHS, WITHOUT_RIGHTS, older_broker

pytestmark = pytest.mark.e2e

WITHHELD = ("--app", "tests.harmful.by_number:app")
STOPPED_IF_LOST = ("--threshold", "lost == 0 abort")


@pytest.mark.parametrize(
    ("latest", "more", "lost"),
    [
        pytest.param(WITHOUT_RIGHTS, STOPPED_IF_LOST, 0, id="passing", marks=pytest.mark.heavy),
        pytest.param(WITHOUT_EPOCHS, WITHHELD, 1, id="failing", marks=pytest.mark.slow),
    ],
)
def test_a_run(
    broker: Broker,
    topic: str,
    tmp_path: Path,
    *,
    latest: Mapping[int, int],
    more: tuple[str, ...],
    lost: int,
) -> None:
    """It is followed, judged and judged again; what the brokers lack is a note."""
    where = ("--topic", topic, "--reports-dir", str(tmp_path), "--spark-heap", "1g")
    with older_broker(broker.port, latest) as older:
        servers = ("--bootstrap-servers", older.bootstrap_servers)
        command = a_counted_run(*servers, *where, "--follow", *more)
        done = headcount(tmp_path, *command, FAULTS="drop@3")
        again = headcount(tmp_path, "verify", str(done.folder), "--spark-heap", "1g")
        events = headcount(tmp_path, "events", str(done.folder))
    for run in (done, again):
        assert run.code == lost, run.err
        assert "Traceback" not in run.err
    assert again.verdict["counts"] == done.verdict["counts"]
    assert done.verdict["counts"]["lost"] == lost
    assert "stopped following" not in done.err
    assert "cleanup.policy of the topic are unknown" in " ".join(done.verdict["notes"])
    assert events.code == 0, events.err
    assert re.search(r"^[1-9][\d,]* rows", events.out, re.MULTILINE)
    assert older.beyond == set()
