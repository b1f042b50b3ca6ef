"""The table of classes against a plain model of the vocabulary."""

from dataclasses import fields

from headcount_analysis.classes_and_flags import (
    ATTEMPT_FATES,
    COUNT_KEYS,
    TABLE,
    Counts,
    Fate,
    Seen,
    total,
)
from hypothesis import given
from hypothesis import strategies as st

from headcount.run.request_outcome import Outcome

Attempts = list[tuple[Outcome, int]]
ATTEMPTS = st.lists(st.tuples(st.sampled_from(Outcome), st.integers(0, 5)))


def fate(outcome: Outcome, copies: int) -> Fate:
    """Look a number of copies up in the table."""
    return TABLE[outcome, list(Seen)[min(copies, 2)]]


def model(outcome: Outcome, copies: int) -> str:
    """Name the class as the vocabulary defines it."""
    if outcome is Outcome.FAILED:
        return "ghost" if copies else "refused"
    if copies > 1:
        return "duplicated"
    if outcome is Outcome.ACKED:
        return "delivered" if copies else "lost"
    return "recovered" if copies else "absent"


def counted(attempts: Attempts) -> Counts:
    """Count attempts by outcome and class."""
    counts = (
        Counts(attempted=1, **{outcome.value: 1, fate(outcome, copies).value: 1})
        for outcome, copies in attempts
    )
    return total(counts)


@given(st.sampled_from(Outcome), st.integers(0, 1000))
def test_table_matches_the_vocabulary(outcome: Outcome, copies: int) -> None:
    """The table gives every attempt the class that the vocabulary gives it."""
    assert fate(outcome, copies) == model(outcome, copies)


@given(ATTEMPTS)
def test_classes_add_up_to_attempts(attempts: Attempts) -> None:
    """Whatever happened, the classes and the outcomes both add up to the attempts."""
    counts = counted(attempts)

    assert counts.classed == counts.attempted == len(attempts)
    assert counts.contradictions == ()


@given(ATTEMPTS, ATTEMPTS)
def test_counts_of_parts_add_up_to_the_whole(one: Attempts, other: Attempts) -> None:
    """Adding the counts of parts gives the count of the whole."""
    assert counted(one) + counted(other) == counted([*one, *other])


def test_table_is_complete() -> None:
    """Each outcome is combined with each number of copies, and every class of attempts occurs."""
    assert set(TABLE) == {(outcome, often) for outcome in Outcome for often in Seen}
    assert set(TABLE.values()) == set(ATTEMPT_FATES)


def test_contradictions_are_reported() -> None:
    """An attempt without a class or an outcome is reported."""
    assert len(Counts(attempted=2, acked=2, delivered=1).contradictions) == 1
    assert len(Counts(attempted=2, acked=1, delivered=2).contradictions) == 1


def test_keys() -> None:
    """The keys are a contract with every reader of verdict.json."""
    assert tuple(field.name for field in fields(Counts)) == COUNT_KEYS
    assert " ".join(COUNT_KEYS) == (
        "attempted acked failed indeterminate delivered lost duplicated recovered absent refused "
        "ghost phantom foreign malformed corrupted reordered late garbled "
        "misplaced"
    )
