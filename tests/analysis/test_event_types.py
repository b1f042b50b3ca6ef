"""Event types: a type that was not requested is not counted under its own name."""

import pyarrow as pa
import pytest
from headcount_analysis.arrow_types import TEXTS
from headcount_analysis.event_types import known_types

from headcount.ledger.event_types import UNKNOWN


@pytest.mark.parametrize("asked", [["a", "b"], [UNKNOWN, "b", "a"]])
def test_types_that_were_not_requested_are_unknown(asked: list[str]) -> None:
    """And so are messages without a type; a generator may have requested that very name."""
    parts = [pa.array(["b", "x", None], TEXTS), pa.array(["a", UNKNOWN, "b"], TEXTS)]
    types = known_types(pa.chunked_array(parts), asked)
    assert types.to_pylist() == ["b", UNKNOWN, UNKNOWN, "a", UNKNOWN, "b"]
    assert len(set(types.dictionary.to_pylist())) == len(types.dictionary)
