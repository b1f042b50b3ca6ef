"""The judgement: an end that was noted too early is not the run's."""

import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pyarrow.fs as pafs
import pytest

from headcount.cli import judgement
from headcount.cli.options import Judging
from headcount.cli.question import Question
from headcount.console import Console
from headcount.ledger import LedgerWriter, read_ledger
from headcount.run import End, Manifest, RunFolder

MANIFEST = Manifest(
    run_id="run-1",
    created_at="2026-11-23T22:15:30Z",
    headcount_version="0",
    scenario="mixed",
    host="http://localhost",
    bootstrap_servers="localhost:9092",
    cluster_id="cluster",
    topic="events",
    topic_id="topic",
    cleanup_policy="delete",
    start_offsets={0: 5},
)


def test_what_is_done_ahead_cannot_end_a_judgement() -> None:
    """It meets the same again, where it is reported."""
    done: list[int] = []
    is_block_over = threading.Event()

    def fail() -> None:
        done.append(1)
        raise ValueError("a column has another type")

    def go_on() -> None:
        is_block_over.wait(10)
        done.append(2)

    with judgement._ahead(fail), judgement._ahead(go_on):  # noqa: SLF001 - so it is called
        threading.Timer(0.1, is_block_over.set).start()
    assert done == [1, 2]


def test_what_only_a_report_needs_is_loaded_while_spark_starts() -> None:
    """As is what only a database needs."""
    script = (
        "import sys; from headcount.cli import judgement, verify;"
        "assert not {'altair', 'sqlalchemy'} & set(sys.modules);"
        "judgement._warm_up_report();"
        "assert 'altair' in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_what_is_reserved_until_the_end_is_no_phantom(tmp_path: Path) -> None:
    """A generator is at work while its run is judged: its ledger is looked at before the end."""
    folder = RunFolder(tmp_path / "run-1")
    folder.create()
    writer = LedgerWriter(pafs.LocalFileSystem(), str(folder.path / "ledger"), "run-1", 0)
    writer.open()
    writer.reserve(64)
    parts = read_ledger(pafs.LocalFileSystem(), str(folder.path / "ledger"), "run-1")
    writer.reserve(128)

    def reserved(*, sealed: bool) -> list[int]:
        end = End({0: 10}, {0: 0}, "now", sealed)
        found = judgement._as_of(end, folder, MANIFEST, parts)  # noqa: SLF001 - so it is called
        return [part.reserved for part in found]

    assert (reserved(sealed=True), reserved(sealed=False)) == ([64], [192])


def test_an_end_is_kept_once_all_is_sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Judged while a generator is at work, a run is judged anew afterwards, to its own end.

    So is one that was judged while some of its events could not be read.
    """
    ends, hidden = {0: 10}, {0: 0}
    fake = SimpleNamespace(
        describe=lambda *_: object(),
        end_offsets=lambda *_: dict(ends),
        written_offsets=lambda *_: {0: ends[0] + hidden[0]},
        beginning_offsets=lambda *_: {},
    )
    monkeypatch.setattr(judgement, "topic", fake)
    monkeypatch.setattr(judgement, "SETTLED_AFTER_S", 0)
    monkeypatch.setattr(judgement, "REPLICATION_TIMEOUT_S", 0)
    folder = RunFolder(tmp_path / "run-1")
    folder.create()
    question = Question(folder, Judging("local", "1g", 1), None)
    writer = LedgerWriter(pafs.LocalFileSystem(), str(folder.path / "ledger"), "run-1", 0)
    writer.open()

    def end() -> tuple[dict[int, int], dict[int, int]]:
        parts = read_ledger(pafs.LocalFileSystem(), str(folder.path / "ledger"), "run-1")
        found, _ = judgement.end_of_run(question, MANIFEST, parts, Console(quiet=True))
        return found.end_offsets, found.unreadable

    assert end() == ({0: 10}, {})
    ends[0] = 500
    assert end() == ({0: 500}, {})
    writer.seal(0)
    hidden[0] = 3
    assert end() == ({0: 500}, {0: 3})
    ends[0], hidden[0] = 503, 0
    assert end() == ({0: 503}, {})
    ends[0] = 900
    assert end() == ({0: 503}, {})
