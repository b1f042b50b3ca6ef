"""Counts of differences: they add up, whether counted at once or in parts, and stay bounded."""

import pytest
from headcount_analysis.corrupted import counts
from headcount_analysis.corrupted.counts import (
    DifferenceCounter,
    DifferenceCounts,
    DifferingField,
    FieldSet,
    merged_counts,
)
from headcount_analysis.messages.field_differences import Difference, DifferenceKind
from hypothesis import given
from hypothesis import strategies as st

EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["buy", "ship"]),
        st.lists(
            st.builds(
                Difference,
                st.sampled_from(["a", "b"]),
                st.sampled_from([DifferenceKind.TYPE, DifferenceKind.VALUE]),
                st.sampled_from(["1", "2"]),
                st.sampled_from(["3", "4"]),
            ),
            max_size=2,
            unique_by=lambda difference: (difference.field, difference.kind),
        ),
        st.integers(1, 5),
    ),
    max_size=12,
)
Events = list[tuple[str, list[Difference], int]]


def counted(events: Events) -> DifferenceCounts:
    """Count events."""
    counter = DifferenceCounter()
    for event in events:
        counter.add(*event)
    return counter.counts()


@given(events=EVENTS, cut=st.integers(0, 12))
def test_parts_add_up_to_the_whole(events: Events, cut: int) -> None:
    """Blocks may be counted one by one; sets add up to events, and values to their field."""
    whole = counted(events)
    parts = merged_counts([counted(events[:cut]), counted(events[cut:])])
    assert (parts.events, parts.sets, parts.beyond) == (whole.events, whole.sets, whole.beyond)
    assert parts.fields.keys() == whole.fields.keys()
    for name, field in whole.fields.items():
        assert parts.fields[name].count == field.count == sum(field.values.values())
        assert parts.fields[name].values == field.values
    assert sum(whole.sets.values()) == whole.events == sum(count for *_, count in events)


def test_events_of_rare_sets_are_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The most frequent sets are listed; the sum still holds, and the result says so."""
    monkeypatch.setattr(counts, "MOST_SETS", 2)
    parts = [
        counted([("buy", [Difference(name, DifferenceKind.MISSING)], number)])
        for name, number in (("a", 5), ("b", 1), ("c", 9), ("d", 1))
    ]
    whole = merged_counts(parts)
    assert [(key.fields[0][0], count) for key, count in whole.most_frequent] == [("c", 9), ("a", 5)]
    assert (whole.events, whole.beyond, whole.is_complete) == (16, 2, False)


def test_too_many_values_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor partly: a field with many values has a count and a sample, in a block and in a run."""
    monkeypatch.setattr(counts, "MOST_VALUES", 3)
    name = DifferingField("buy", "n", "value")

    def numbers(first: int, end: int) -> DifferenceCounts:
        kind = DifferenceKind.VALUE
        return counted(
            [("buy", [Difference("n", kind, str(value), "0")], 2) for value in range(first, end)]
        )

    assert len(numbers(0, 3).fields[name].values) == 3
    for whole in (numbers(0, 4), merged_counts([numbers(0, 2), numbers(2, 4)])):
        field = whole.fields[name]
        assert (field.count, field.values, field.sample) == (8, {}, ("0", "0"))
        assert merged_counts([whole, numbers(0, 1)]).fields[name].values == {}


def test_too_many_fields_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hostile service cannot fill the memory; the result says that it is not complete."""
    monkeypatch.setattr(counts, "MOST_FIELDS", 3)
    parts = [
        counted([("buy", [Difference(f"{part}{number}", DifferenceKind.MISSING)], 1 + number)])
        for part in "ab"
        for number in range(2)
    ]
    whole = merged_counts(parts)
    assert (len(whole.fields), whole.is_complete, whole.events) == (3, False, 6)
    many = [Difference(str(number), DifferenceKind.MISSING) for number in range(4)]
    assert not counted([("buy", many, 1)]).is_complete


def test_an_event_of_which_nothing_is_known_has_an_empty_set() -> None:
    """It is counted as unknown."""
    whole = counted([("buy", [], 3), ("ship", [], 1)])
    assert (whole.events, whole.unknown) == (4, 4)
    assert whole.sets == {FieldSet("buy", ()): 3, FieldSet("ship", ()): 1}
