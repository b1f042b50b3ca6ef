"""The follower: whatever becomes of Spark, the judgement is not kept waiting."""

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from headcount_analysis.pipeline.cache import RunCache

from headcount.cli import follower
from headcount.cli.follower import MOST_STARTS, Follower
from headcount.cli.options.verify_options import VerifyOptions
from headcount.errors import PartError
from headcount.run.folder import RunFolder


def finished(told: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Follower:
    """Follow with a Spark that never starts, to the end."""

    def fails(*_: object, **__: object) -> None:
        raise PartError("there is no Spark\nand more")

    monkeypatch.setattr(follower, "session_config", fails)
    ready: Any = SimpleNamespace(console=SimpleNamespace(remark=told))
    verify_options = VerifyOptions("local", "1g", 1)
    found = Follower(RunFolder(tmp_path), verify_options, "", "127.0.0.1:1", ready)
    thread = threading.Thread(target=found.work, daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    assert found.finish() == RunCache()
    return found


def test_it_gives_up_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Started so often in vain, it says why each time, in a line."""
    said: list[str] = []
    assert finished(said.append, tmp_path, monkeypatch).progress == ""
    assert len(said) == MOST_STARTS
    assert set(said[:-1]) == {"Spark stopped following (there is no Spark): starting it again"}
    assert "when the run is over" in said[-1]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_console_that_is_gone_hangs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing can be told, the judgement goes on all the same."""

    def gone(_: str) -> None:
        raise BrokenPipeError

    finished(gone, tmp_path, monkeypatch)


def test_epochs_that_nobody_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that is slow for once ends no following: what is taken then is read once more."""

    def silent(*_: object) -> None:
        raise PartError("no Kafka broker answers")

    monkeypatch.setattr("headcount.cli.follower.topic.describe", silent)
    manifest: Any = SimpleNamespace(topic="events")
    assert follower._leader_epochs("127.0.0.1:1", manifest) == {}  # noqa: SLF001
