"""The summary: sentences a reader understands, the most frequent first, and no more than a few."""

import pytest
from headcount_analysis.corrupted.counts import DifferenceCounter
from headcount_analysis.corrupted.summary import MOST_SENTENCES, Differences
from headcount_analysis.messages.field_differences import Difference, DifferenceKind

TYPE, VALUE = DifferenceKind.TYPE, DifferenceKind.VALUE


def summary(*events: tuple[str, list[Difference], int]) -> Differences:
    """Sum up events."""
    counter = DifferenceCounter()
    for event in events:
        counter.add(*event)
    return Differences(sum(count for *_, count in events), counter.counts())


def quantity(asked: int, count: int, event_type: str = "buy") -> tuple[str, list[Difference], int]:
    """Make events with a quantity as a text."""
    return event_type, [Difference("quantity", TYPE, str(asked), f'"{asked}"')], count


@pytest.mark.parametrize(
    ("events", "sentence"),
    [
        (
            [quantity(3, 377)],
            '`quantity`: asked for 3, found "3", 377 times (100 % of 377 corrupted events)',
        ),
        (
            [quantity(3, 1_999), quantity(4, 1)],
            (
                '`quantity`: asked for 3, found "3", 1,999 times; asked for 4, found "4", once '
                "(100 % of 2,000 corrupted events)"
            ),
        ),
        (
            [quantity(value, 10 - value) for value in range(5)],
            (
                '`quantity`: asked for 0, found "0", 10 times; asked for 1, found "1", 9 times; '
                'asked for 2, found "2", 8 times; other values, 13 times '
                "(100 % of 40 corrupted events)"
            ),
        ),
        (
            [quantity(value, 1) for value in range(9)],
            '`quantity`: 9 times, such as asked for 0, found "0" (100 % of 9 corrupted events)',
        ),
        (
            [quantity(3, 9_999), ("ship", [Difference("to", VALUE, "1", "2")], 1)],
            (
                '`quantity`: asked for 3, found "3", 9,999 times '
                "(99.9 % of 10,000 corrupted events, of type buy)"
            ),
        ),
        (
            [("buy", [Difference("n", DifferenceKind.MISSING, "3")], 2)],
            "`n`: asked for 3, but missing, 2 times (100 % of 2 corrupted events)",
        ),
        (
            [("buy", [Difference("n", DifferenceKind.UNKNOWN, None, "3")], 2)],
            (
                "`n`: asked for a value that the ledger did not keep, found 3, 2 times "
                "(100 % of 2 corrupted events)"
            ),
        ),
        (
            [("buy", [Difference("n", DifferenceKind.REPEATED)], 1)],
            "`n`: the key occurs twice, once (100 % of 1 corrupted events)",
        ),
    ],
)
def test_the_values_of_a_field_are_listed(
    events: list[tuple[str, list[Difference], int]], sentence: str
) -> None:
    """With how often, if they are few, and the field's share of the corrupted events."""
    assert summary(*events).sentences[0] == sentence


def test_the_most_frequent_fields_come_first() -> None:
    """The list ends with how many fields are not in it."""
    events = [
        ("buy", [Difference(f"f{number}", VALUE, "1", "2")], 1 + number)
        for number in range(MOST_SENTENCES + 4)
    ]
    *first, last = summary(*events).sentences
    assert len(first) == MOST_SENTENCES
    assert first[0].startswith(f"`f{MOST_SENTENCES + 3}`")
    assert last == "4 more differing fields: see verdict.json"


def test_event_types_are_joined() -> None:
    """A field that differs in all types is one line."""
    (sentence,) = summary(quantity(3, 2), quantity(3, 3, "ship")).sentences
    assert sentence == '`quantity`: asked for 3, found "3", 5 times (100 % of 5 corrupted events)'


def test_unknown_fields_are_admitted() -> None:
    """Also where the fields of other events are known, and where none could be compared."""
    sentences = summary(quantity(3, 2), ("buy", [], 1)).sentences
    assert sentences[1].startswith("for 1 of 3 corrupted events it is unknown which fields differ")
    (reason,) = Differences(3, why_not="no broker answered").sentences
    assert reason == "could not determine which fields differ: no broker answered"
    assert Differences().sentences == ()


def test_a_pattern_names_a_frequent_set() -> None:
    """Three events or more with the same fields; the most frequent set first."""
    both = [Difference("a", TYPE, "1", "2"), Difference("b", DifferenceKind.MISSING, "1")]
    patterns = summary(quantity(3, 3), ("buy", both, 5), quantity(3, 2, "ship")).patterns
    assert [str(pattern) for pattern in patterns] == [
        "5 of 10 corrupted: event type buy: `a` (type), `b` (missing) differ",
        "3 of 10 corrupted: event type buy: `quantity` (type) differs",
    ]
