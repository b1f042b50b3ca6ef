"""The judgement: an end that was recorded too early is not the run's."""

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pyarrow.fs as pafs
import pytest

from headcount.cli.options.verify_options import VerifyOptions
from headcount.cli.verifying import topic_end, verification
from headcount.cli.verifying.verify_request import VerifyRequest
from headcount.console import Console
from headcount.kafka.cluster import Cluster
from headcount.ledger.reader import read_ledger
from headcount.ledger.writer import LedgerWriter
from headcount.run.folder import RunFolder
from headcount.run.manifest import End, Generators
from tests.manifests import MANIFEST

CLUSTER = Cluster("127.0.0.1:1")


def test_what_is_done_ahead_cannot_end_a_judgement() -> None:
    """The error recurs in the foreground, which reports it."""
    done: list[int] = []
    is_block_over = threading.Event()

    def fail() -> None:
        done.append(1)
        raise ValueError("a column has another type")

    def go_on() -> None:
        is_block_over.wait(120)
        done.append(2)

    with verification._ahead(fail), verification._ahead(go_on):  # noqa: SLF001 - so it is called
        threading.Timer(0.1, is_block_over.set).start()
    assert sorted(done) == [1, 2]


@pytest.mark.slow
def test_what_only_a_report_needs_is_loaded_while_spark_starts() -> None:
    """The same holds for what only a database needs."""
    script = (
        "import sys; from headcount.cli.verifying import verification;"
        "from headcount.cli.commands import verify;"
        "assert not {'headcount_analysis.report.html.page', 'sqlalchemy'} & set(sys.modules);"
        "verification._warm_up_report();"
        "assert 'headcount_analysis.report.html.page' in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr


def test_what_is_reserved_until_the_end_is_not_a_phantom(tmp_path: Path) -> None:
    """A generator works while its run is judged: its ledger is read before the end."""
    folder = RunFolder(tmp_path / "run-1")
    folder.create()
    writer = LedgerWriter(pafs.LocalFileSystem(), str(folder.path / "ledger"), "run-1", 0)
    writer.open()
    writer.reserve(64)
    parts = read_ledger(pafs.LocalFileSystem(), str(folder.path / "ledger"), "run-1")
    writer.reserve(128)

    def reserved(*, sealed: bool) -> list[int]:
        end = End({0: 10}, {0: 0}, "now", sealed)
        current = topic_end.as_of(end, folder, MANIFEST, parts)
        return [part.reserved for part in current]

    assert (reserved(sealed=True), reserved(sealed=False)) == ([64], [192])


@dataclass
class Growing:
    """A run whose topic grows: its partition's end, and its unreadable messages."""

    folder: RunFolder
    end: int = 10
    hidden: int = 0

    def generator(self, number: int) -> LedgerWriter:
        """Let a generator begin."""
        location = str(self.folder.path / "ledger")
        writer = LedgerWriter(pafs.LocalFileSystem(), location, "run-1", number)
        writer.open()
        return writer

    def judged_to(self) -> tuple[int, int]:
        """Return up to where the run is judged now, and how much is unreadable."""
        verify_options = VerifyOptions("local", "1g", 1, watch_for_s=0)
        request = VerifyRequest(self.folder, verify_options, None)
        parts = read_ledger(pafs.LocalFileSystem(), str(self.folder.path / "ledger"), "run-1")
        reach, settling = topic_end.end_of_run(
            request, CLUSTER, MANIFEST, parts, Console(quiet=True)
        )
        end = reach.end if settling is None else settling.settled()
        return end.end_offsets[0], end.unreadable.get(0, 0)


@pytest.fixture
def growing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Growing:
    """A growing run that needs no broker."""
    folder = RunFolder(tmp_path / "run-1")
    folder.create()
    run = Growing(folder)
    fake = SimpleNamespace(
        describe=lambda *_: SimpleNamespace(topic_id=None, leader_epochs={}),
        end_offsets=lambda *_: {0: run.end},
        written_offsets=lambda *_: {0: run.end + run.hidden},
        beginning_offsets=lambda *_: {},
    )
    monkeypatch.setattr(topic_end, "topic", fake)
    monkeypatch.setattr(topic_end, "REPLICATION_TIMEOUT_S", 0)
    return run


def test_an_end_is_kept_once_all_is_sealed(growing: Growing) -> None:
    """A run that was judged while a generator was at work is judged again, to its own end.

    So is a run that was judged while some of its events were unreadable.
    """
    writer = growing.generator(0)
    assert growing.judged_to() == (10, 0)
    growing.end = 500
    assert growing.judged_to() == (500, 0)
    writer.seal(0)
    growing.hidden = 3
    assert growing.judged_to() == (500, 3)
    growing.end, growing.hidden = 503, 0
    assert growing.judged_to() == (503, 0)
    growing.end = 900
    assert growing.judged_to() == (503, 0)


def test_an_end_is_not_that_of_a_generator_that_comes_later(growing: Growing) -> None:
    """Its events lie beyond the end that was recorded when all others had sealed."""
    growing.generator(0).seal(0)
    assert growing.judged_to() == (10, 0)
    growing.end = 500
    writer = growing.generator(1)
    assert growing.judged_to() == (500, 0)
    growing.end = 600
    writer.seal(0)
    assert growing.judged_to() == (600, 0)
    growing.end = 900
    assert growing.judged_to() == (600, 0)


def test_an_end_is_not_that_of_a_generator_that_is_elsewhere(growing: Growing) -> None:
    """It has begun, but its folder is not here yet, so it may still be at work."""
    growing.generator(0).seal(0)
    growing.folder.write_generators(Generators((0, 1)))
    assert growing.judged_to() == (10, 0)
    growing.end = 500
    assert growing.judged_to() == (500, 0)
    growing.generator(1).seal(0)
    assert growing.judged_to() == (500, 0)
    growing.end = 900
    assert growing.judged_to() == (500, 0)


def test_an_end_without_its_generators_is_kept(growing: Growing) -> None:
    """Older end.json files have no generators."""
    growing.generator(0).seal(0)
    growing.folder.write_end(End({0: 7}, {}, "then", sealed=True))
    assert growing.judged_to() == (7, 0)


def test_seals_from_a_clock_that_is_behind_cut_no_wait_short(growing: Growing) -> None:
    """The folder was copied with its times from such a host: the wait begins when it is seen."""
    growing.folder.write_generators(Generators((0,)))
    growing.generator(0).seal(0)
    behind_ns = time.time_ns() - 3600 * 10**9
    seal = growing.folder.path / "ledger" / "0" / "seal.json"
    os.utime(seal, ns=(behind_ns, behind_ns))
    verify_options = VerifyOptions("local", "1g", 1, settle_s=1.0, watch_for_s=0)
    request = VerifyRequest(growing.folder, verify_options, None)
    parts = read_ledger(pafs.LocalFileSystem(), str(growing.folder.path / "ledger"), "run-1")
    _, settling = topic_end.end_of_run(request, CLUSTER, MANIFEST, parts, Console(quiet=True))
    assert settling is not None
    growing.end = 12
    later = settling.later(2, behind_ns, lambda _step: None)
    assert later is not None
    assert later.end.end_offsets == {0: 12}
    assert settling.settled().watched_s == pytest.approx(1, abs=0.9)
