"""The tally: what nobody asked for is counted under no name of its own."""

import pyarrow as pa
import pytest
from headcount_analysis.arrow_types import TEXTS
from headcount_analysis.compare_run.attempt_counts import known_types
from headcount_analysis.compare_run.classes import UNKNOWN


@pytest.mark.parametrize("asked", [["a", "b"], [UNKNOWN, "b", "a"]])
def test_types_that_nobody_asked_for_are_unknown(asked: list[str]) -> None:
    """And so are messages without one; a generator may have asked for that very name."""
    parts = [pa.array(["b", "x", None], TEXTS), pa.array(["a", UNKNOWN, "b"], TEXTS)]
    found = known_types(pa.chunked_array(parts), asked)
    assert found.to_pylist() == ["b", UNKNOWN, UNKNOWN, "a", UNKNOWN, "b"]
    assert len(set(found.dictionary.to_pylist())) == len(found.dictionary)
