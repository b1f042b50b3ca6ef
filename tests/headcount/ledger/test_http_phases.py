"""HTTP phases: the durations of each phase, counted in a small file however many there are."""

from pathlib import Path

import pyarrow.fs as pafs
import pytest

from headcount.ledger.http_phases import (
    CHUNK,
    FILE,
    MOST_TYPES,
    HttpPhases,
    Phase,
    PhaseDurations,
    PhaseRecord,
    durations_of,
    read_http_phases,
)


def test_every_duration_is_counted() -> None:
    """Those that wait to be counted, too, each once however often the phases are asked for."""
    record = PhaseRecord()
    for number in range(CHUNK + 3):
        record.first_byte.add("sword", 0.001 * (number % 7 + 1))
        if number % 1000 == 0:
            assert record.phases.by_type["sword"][Phase.FIRST_BYTE].count == number + 1
    durations = record.phases.by_type["sword"][Phase.FIRST_BYTE]
    assert durations.count == CHUNK + 3
    assert len(durations.counts) == 7
    assert (durations.min_us, durations.max_us) == (1000, 7000)
    expected_us = sum(1000 * (number % 7 + 1) for number in range(CHUNK + 3))
    assert durations.sum_us == pytest.approx(expected_us)


def test_types_and_phases_are_apart() -> None:
    """A phase that was not measured is not there."""
    record = PhaseRecord()
    record.first_byte.add("sword", 0.002)
    record.connect.add("guild", 0.003)
    record.tls.add("guild", 0.004)
    by_type = record.phases.by_type
    assert {name: list(phases) for name, phases in by_type.items()} == {
        "sword": [Phase.FIRST_BYTE],
        "guild": [Phase.CONNECT, Phase.TLS],
    }
    assert by_type["guild"][Phase.TLS].sum_us == pytest.approx(4000)


def test_counts_add_up() -> None:
    """Bucket by bucket, with the least, the greatest and the sum of both."""
    one, other = durations_of([0.001, 0.002]), durations_of([0.002, 0.009])
    both = one + other
    assert (both.count, both.min_us, both.max_us) == (4, 1000, 9000)
    assert both.sum_us == pytest.approx(14_000)
    assert sorted(both.counts.values()) == [1, 1, 2]


def test_the_record_is_bounded() -> None:
    """However many event types a scenario makes up."""
    record = PhaseRecord()
    for number in range(2 * MOST_TYPES):
        record.first_byte.add(f"type {number}", 0.001)
        record.connect.add(f"other {number}", 0.001)
    assert len(record.first_byte.by_type) == len(record.connect.by_type) == MOST_TYPES
    assert len(record.phases.by_type) == MOST_TYPES


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    """With every bucket."""
    record = PhaseRecord()
    for duration_s in (0.0, 1e-7, 0.02, 0.020001, 3600.0):
        record.first_byte.add("ü", duration_s)
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / FILE.name).write_bytes(FILE.dump(record.phases))
    phases = read_http_phases(pafs.LocalFileSystem(), str(tmp_path), 0)
    assert phases == record.phases
    assert phases.by_type["ü"][Phase.FIRST_BYTE].count == 5


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b'{"by_type": 1}',
        b'{"by_type": {"a": {"tls": {"counts": {}, "sum_us": 0, "min_us": 0, "max_us": 0}}}}',
        b'{"by_type": {"a": {"lunch": {}}}}',
        b'{"format": 9, "by_type": {}}',
    ],
)
def test_an_unknown_file_has_no_phases(tmp_path: Path, content: bytes | None) -> None:
    """Missing, damaged, without a duration, or of a newer format."""
    (tmp_path / "0").mkdir()
    if content is not None:
        (tmp_path / "0" / FILE.name).write_bytes(content)
    assert read_http_phases(pafs.LocalFileSystem(), str(tmp_path), 0) == HttpPhases()


def test_the_file_stays_small() -> None:
    """A million durations of one type, spread over six orders of magnitude, take kilobytes."""
    durations = PhaseDurations(dict.fromkeys(range(691), 1448), 1e9, 1.0, 1e6)
    phases = HttpPhases({"sword": {Phase.FIRST_BYTE: durations}})
    assert durations.count > 1_000_000
    assert len(FILE.dump(phases)) < 10_000
