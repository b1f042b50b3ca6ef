"""Following a run: does not wait for generators that will never seal."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pyarrow.fs as pafs
import pytest

from headcount.cli.verifying import followed_run
from headcount.cli.verifying.followed_run import LOOK_EVERY_S, SILENT_AFTER_S
from headcount.cli.verifying.follower import Follower
from headcount.console import Console
from headcount.ledger.writer import LedgerWriter
from headcount.run.folder import RunFolder
from headcount.run.manifest import Generators
from tests.manifests import MANIFEST

SETTLED = cast("Follower", SimpleNamespace(progress="nothing new"))


@pytest.fixture
def clock_s(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that advances only in `sleep`."""
    now_s = [1000.0]

    def sleep(span_s: float) -> None:
        now_s[0] += span_s

    fake = SimpleNamespace(monotonic=lambda: now_s[0], sleep=sleep)
    monkeypatch.setattr("headcount.cli.verifying.followed_run.time", fake)
    return now_s


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run that two generators have begun."""
    folder = RunFolder(tmp_path / MANIFEST.run_id)
    folder.create()
    folder.write_manifest(MANIFEST)
    folder.write_generators(Generators((0, 1)))
    return folder


def a_writer(folder: RunFolder, generator: int) -> LedgerWriter:
    """Open a generator's ledger."""
    location = str(folder.path / "ledger")
    writer = LedgerWriter(pafs.LocalFileSystem(), location, MANIFEST.run_id, generator)
    writer.open()
    return writer


def test_a_dead_generator_is_given_up_after_a_while(
    folder: RunFolder, clock_s: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    """The message names it, and the run is judged."""
    a_writer(folder, 0).seal(0)
    a_writer(folder, 1).reserve(10)
    began_s = clock_s[0]
    followed_run._await_end(folder, SETTLED, Console())  # noqa: SLF001 - so the command calls it
    assert SILENT_AFTER_S <= clock_s[0] - began_s < SILENT_AFTER_S + 2 * LOOK_EVERY_S
    assert "No news for 60 s from generator 1: counted as dead" in capsys.readouterr().err


def test_a_generator_elsewhere_is_given_up_after_the_same_time(
    folder: RunFolder, clock_s: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    """It has begun, and may still work, although it has no files here."""
    a_writer(folder, 0).seal(0)
    began_s = clock_s[0]
    followed_run._await_end(folder, SETTLED, Console())  # noqa: SLF001
    assert SILENT_AFTER_S <= clock_s[0] - began_s < SILENT_AFTER_S + 2 * LOOK_EVERY_S
    assert "No news for 60 s from generator 1: counted as dead" in capsys.readouterr().err


def test_a_generator_that_writes_is_waited_for(
    folder: RunFolder, clock_s: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it takes to seal, and whatever its host's clock says."""
    a_writer(folder, 0).seal(0)
    writer = a_writer(folder, 1)
    written = [0]

    def write(span_s: float) -> None:
        clock_s[0] += span_s
        if clock_s[0] >= 1000 + (written[0] + 1) * SILENT_AFTER_S * 0.8:
            written[0] += 1
            writer.reserve(10)
            # The clock of its host is set back, again and again.
            for number, path in enumerate(sorted((folder.path / "ledger" / "1").iterdir())):
                os.utime(path, ns=(0, 10**18 - number * 10**9))
        if written[0] == 5:
            writer.seal(0)

    fake = SimpleNamespace(monotonic=lambda: clock_s[0], sleep=write)
    monkeypatch.setattr("headcount.cli.verifying.followed_run.time", fake)
    followed_run._await_end(folder, SETTLED, Console(quiet=True))  # noqa: SLF001
    assert written == [5]


def test_a_run_that_has_ended_is_not_waited_for(folder: RunFolder, clock_s: list[float]) -> None:
    """All have sealed."""
    for generator in (0, 1):
        a_writer(folder, generator).seal(0)
    followed_run._await_end(folder, SETTLED, Console(quiet=True))  # noqa: SLF001
    assert clock_s == [1000.0]
