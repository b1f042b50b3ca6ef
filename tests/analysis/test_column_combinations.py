"""Column combinations: each combination of values is distinct."""

from collections import Counter
from typing import Any

import pyarrow as pa
import pytest
from headcount_analysis.column_combinations import Combined
from hypothesis import given
from hypothesis import strategies as st

rows = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", None]),
        st.one_of(st.none(), st.integers(-3, 3)),
        st.one_of(st.none(), st.booleans()),
    ),
    max_size=30,
)


def columns(samples: list[tuple[Any, ...]]) -> dict[str, pa.ChunkedArray]:
    """Make columns of rows, in two chunks whose dictionaries differ."""
    schema = pa.schema(
        [
            ("text", pa.dictionary(pa.int32(), pa.string())),
            ("number", pa.int64()),
            ("flag", pa.bool_()),
        ]
    )
    halves = samples[: len(samples) // 2], samples[len(samples) // 2 :]
    tables = [
        pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in half], schema)
        for half in halves
    ]
    table = pa.concat_tables(tables)
    return dict(zip(schema.names, table.columns, strict=True))


@given(rows)
def test_rows_are_counted_by_all_of_their_values(samples: list[tuple[Any, ...]]) -> None:
    """A row with null differs from a row with any value."""
    combined = Combined.of(columns(samples))
    counts = Counter({tuple(key.values()): count for key, count in combined.counts()})
    assert counts == Counter(tuple(reversed(row)) for row in samples)
    assert all(set(key) == {"text", "number", "flag"} for key, _ in combined.counts())


@given(rows)
def test_every_row_is_in_its_combination(samples: list[tuple[Any, ...]]) -> None:
    """And in no other."""
    at = {
        int(row): (key["text"], key["number"], key["flag"])
        for key, row_numbers in Combined.of(columns(samples)).rows()
        for row in row_numbers
    }
    assert [at[row] for row in range(len(samples))] == samples


def test_more_combinations_than_there_are_numbers() -> None:
    """They are refused, because some would get the same number."""
    column = pa.array(range(1 << 16))
    with pytest.raises(AssertionError, match="too many"):
        Combined.of(dict.fromkeys("abcd", column))
