"""A generator's health: bounded, read back as written, and unknown if the file is damaged."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pyarrow.fs as pafs
import pytest

from headcount.ledger.generator_health import (
    FILE,
    MOST_SAMPLES,
    Health,
    History,
    Sample,
    merged,
    read_health,
)
from headcount.ledger.reader import read_ledger
from headcount.ledger.writer import LedgerWriter

RUN = "run-1"


def a_sample(number: int, cpu: float = 20.0, lag: float = 1.0) -> Sample:
    """Make a sample of a generator that attempts one request in each span."""
    return Sample(number * 10**9, cpu, lag, 1, number, 0)


def read(folder: Path, generator: int = 0) -> Health | None:
    """Read a generator's health."""
    return read_health(pafs.LocalFileSystem(), str(folder), generator)


def test_health_is_read_back_and_is_not_evidence(tmp_path: Path) -> None:
    """The last file written counts; the ledger is complete with it and without it."""
    writer = LedgerWriter(pafs.LocalFileSystem(), str(tmp_path), RUN, 0)
    writer.open()
    writer.reserve(64)
    writer.write_health(Health((a_sample(1),)))
    writer.write_health(Health((a_sample(1), a_sample(2))))
    writer.seal(0)

    assert read(tmp_path) == Health((a_sample(1), a_sample(2)))
    (part,) = read_ledger(pafs.LocalFileSystem(), str(tmp_path), RUN)
    assert (part.damage, part.segments) == ((), ())
    assert part.seal is not None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"samples": [{"at_ns": 1}]}',
        b'{"samples": [], "format": 2}',
        FILE.dump(Health((a_sample(1),))).replace(b"20.0", b"NaN"),
        FILE.dump(Health((a_sample(1),))).replace(b"20.0", b"-1"),
        json.dumps({"samples": [{}] * (MOST_SAMPLES + 1)}).encode(),
        b"\xff" * 10,
    ],
)
def test_what_is_damaged_is_not_known(tmp_path: Path, content: bytes) -> None:
    """Whatever the file holds, or if it is missing."""
    assert read(tmp_path) is None
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / FILE.name).write_bytes(content)
    assert read(tmp_path) is None


def test_a_long_run_has_wider_samples() -> None:
    """The number is bounded; the greatest lag stays, loads are averaged, the rest is the last."""
    history = History()
    for number in range(1, 10 * MOST_SAMPLES + 4):
        history.add(a_sample(number, cpu=number % 2 * 100, lag=500 if number == 77 else 1))
        assert len(history.health.samples) <= MOST_SAMPLES
    samples = history.health.samples

    assert samples[-1].attempted == 10 * MOST_SAMPLES + 3
    assert [sample.attempted for sample in samples] == sorted(
        sample.attempted for sample in samples
    )
    widths = {later.at_ns - one.at_ns for one, later in pairwise(samples[:-1])}
    assert len(widths) == 1
    assert [sample.schedule_lag_ms for sample in samples].count(500) == 1
    assert all(sample.cpu_percent == 50 for sample in samples[:-1])


def test_merged_samples_average_what_is_known() -> None:
    """The load of the host and the wait for a CPU may be unknown in some samples, or in all."""
    known, other = (
        replace(a_sample(number), host_cpu_percent=load, waited_percent=wait)
        for number, load, wait in ((1, 40.0, 10.0), (2, 60.0, None))
    )
    averages = merged([known, other, a_sample(3)])
    assert (averages.host_cpu_percent, averages.waited_percent) == (50.0, 10.0)
    assert merged([a_sample(1), a_sample(2)]).waited_percent is None


@pytest.mark.parametrize("count", [1, MOST_SAMPLES, MOST_SAMPLES + 1])
def test_a_span_too_short_is_the_end_of_the_last(count: int) -> None:
    """Counts and the greatest lag are those of the end; the CPU load is that of the span before."""
    history = History()
    for number in range(1, count + 1):
        history.add(a_sample(number))
    before = history.health.samples
    history.extend(a_sample(count + 1, cpu=99.0, lag=7.0))
    *same, last = history.health.samples
    assert same == list(before[:-1])
    assert last == a_sample(count + 1, cpu=20.0, lag=7.0)
