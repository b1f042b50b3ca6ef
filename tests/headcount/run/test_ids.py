"""Ids have one spelling, and nothing else parses."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headcount.run.ids import TAG_BITS, EventId, is_run_id, new_run_id, new_tag, parse, tag_of


@given(
    st.from_regex(r"[a-z0-9][a-z0-9-]{0,39}", fullmatch=True), st.integers(0, 99), st.integers(0)
)
def test_an_id_survives_its_text(tag: str, generator: int, seq: int) -> None:
    """Parsing a written id returns the same id, up to 18 digits."""
    identity = EventId(tag, generator, seq)
    assert parse(str(identity)) == (identity if seq < 10**18 else None)


@given(st.text(alphabet="ab01.-+ \n٣", max_size=12))
def test_there_is_one_spelling(text: str) -> None:
    """Whatever parses is spelled exactly as `str` writes it."""
    identity = parse(text)
    assert identity is None or str(identity) == text


@pytest.mark.parametrize(
    "text",
    ["", "r", "r.0", "r.0.1.2", "r.00.1", "r.0.01", "r.0.-1", "r.0.+1", "R.0.1", "r.0.1\n", ".0.1"],
)
def test_an_invalid_id_does_not_parse(text: str) -> None:
    """Leading zeros, signs, missing and surplus parts are invalid."""
    assert parse(text) is None


def test_run_ids_sort_by_time_and_differ() -> None:
    """A new run id is valid, begins with its time, and differs from another of the same second."""
    moment = datetime(2026, 11, 23, 22, 15, 30, tzinfo=UTC)
    made = {new_run_id(moment) for _ in range(50)}
    assert all(is_run_id(run_id) and run_id.startswith("20261123-221530-") for run_id in made)
    assert len(made) > 45


@given(st.sets(st.integers(0, 2**TAG_BITS - 1), min_size=2, max_size=2))
def test_a_tag_is_its_bits(numbers: set[int]) -> None:
    """Tags of different bits differ, can stand in an id, and are ten characters, a digit first."""
    tags = {tag_of(bits) for bits in numbers}
    assert len(tags) == 2
    assert all(re.fullmatch(r"[0-7][0-9a-z]{9}", tag) for tag in tags)
    assert all(parse(f"{tag}.0.1") == EventId(tag, 0, 1) for tag in tags)


def test_every_start_has_a_tag_of_its_own() -> None:
    """Tags are drawn at random from all 48 bits."""
    tags = {new_tag() for _ in range(1000)}
    assert len(tags) == 1000
    assert {tag[0] for tag in tags} == set("01234567")
