"""Arrival counts: generators' counts are read, and arrivals of dead generators are lost."""

from pathlib import Path

import pytest

from headcount.ledger.location import open_location
from headcount.ledger.reader import read_ledger
from headcount.ledger.writer import LedgerWriter
from headcount.open_model.arrival_counts import Arrivals, read_arrivals, total, with_lost


def a_generator(location: Path, number: int) -> LedgerWriter:
    """Open a generator's part of a ledger."""
    writer = LedgerWriter(*open_location(str(location)), "run-1", number)
    writer.open()
    return writer


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Each generator's latest counts are read; a generator without counts is left out."""
    first, second = a_generator(tmp_path, 0), a_generator(tmp_path, 1)
    a_generator(tmp_path, 2).seal(0)
    first.write_arrivals(Arrivals(0, 5, 4, 1))
    first.write_arrivals(Arrivals(0, 9, 7, 2))
    second.write_arrivals(Arrivals(1, 3, 3, 0))
    counts = read_arrivals(*open_location(str(tmp_path)))
    assert counts == (Arrivals(0, 9, 7, 2), Arrivals(1, 3, 3, 0))
    assert total(counts) == Arrivals(-1, 12, 10, 2)


def test_counts_are_not_part_of_the_ledger(tmp_path: Path) -> None:
    """A ledger with counts is as complete as one without."""
    writer = a_generator(tmp_path, 0)
    writer.write_arrivals(Arrivals(0, 0, 0, 0))
    seal = writer.seal(0)
    (part,) = read_ledger(*open_location(str(tmp_path)), "run-1")
    assert (part.seal, part.damage, part.segments) == (seal, (), ())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"due": 1}',
        b'{"generator": 0, "due": -1, "started": 0, "dropped": 0}',
        b'{"generator": 0, "due": "9", "started": 0, "dropped": 0}',
    ],
)
def test_damaged_counts_are_left_out(tmp_path: Path, content: bytes) -> None:
    """An invalid file is skipped."""
    a_generator(tmp_path, 0)
    (tmp_path / "0" / "arrivals.json").write_bytes(content)
    assert read_arrivals(*open_location(str(tmp_path))) == ()


def test_no_ledger_has_no_arrivals(tmp_path: Path) -> None:
    """A missing ledger gives no counts."""
    assert read_arrivals(*open_location(str(tmp_path / "none"))) == ()


def test_arrivals_of_a_dead_generator_are_lost() -> None:
    """Arrivals that were due and that the generator has not counted are lost."""
    counts = with_lost([Arrivals(0, 100, 98, 2), Arrivals(1, 40, 39, 1)], {0: 99, 1: 70, 2: 5})
    assert [of_generator.lost for of_generator in counts] == [0, 30, 5]
    assert total(counts) == Arrivals(-1, 175, 137, 3)
    assert total(counts).lost == 35
