"""The follower: whatever happens to Spark, the judgement does not wait."""

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from headcount_analysis.pipeline.cache import RunCache

from headcount.cli.options.verify_options import VerifyOptions
from headcount.cli.verifying import follower
from headcount.cli.verifying.follower import MOST_STARTS, Follower
from headcount.errors import PartError
from headcount.kafka.cluster import Cluster
from headcount.run.folder import RunFolder


def finished(remark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Follower:
    """Follow to the end with a Spark that never starts."""

    def fails(*_: object, **__: object) -> None:
        raise PartError("there is no Spark\nand more")

    monkeypatch.setattr(follower, "session_config", fails)
    ready: Any = SimpleNamespace(console=SimpleNamespace(remark=remark))
    verify_options = VerifyOptions("local", "1g", 1)
    run_follower = Follower(RunFolder(tmp_path), verify_options, "", Cluster("127.0.0.1:1"), ready)
    thread = threading.Thread(target=run_follower.work, daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    assert run_follower.finish() == RunCache()
    return run_follower


def test_it_gives_up_and_reports_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After several failed starts it gives up; each failure is reported on one line."""
    said: list[str] = []
    assert finished(said.append, tmp_path, monkeypatch).progress == ""
    assert len(said) == MOST_STARTS
    assert set(said[:-1]) == {"Spark stopped following (there is no Spark): starting it again"}
    assert "when the run is over" in said[-1]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_console_that_is_gone_hangs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if nothing can be printed, the judgement goes on."""

    def gone(_: str) -> None:
        raise BrokenPipeError

    finished(gone, tmp_path, monkeypatch)


def test_unknown_leader_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that is slow once does not end the following: later, the data is read again."""

    def silent(*_: object) -> None:
        raise PartError("no Kafka broker answered")

    monkeypatch.setattr("headcount.cli.verifying.follower.topic.describe", silent)
    manifest: Any = SimpleNamespace(topic="events")
    assert follower._leader_epochs(Cluster("127.0.0.1:1"), manifest) == {}  # noqa: SLF001
