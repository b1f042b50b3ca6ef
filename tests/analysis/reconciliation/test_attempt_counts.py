"""Counts of attempts: how a response is named."""

import pyarrow as pa
import pytest
from headcount_analysis.reconciliation.attempt_counts import NO_ANSWER, answer_of, answers


@pytest.mark.parametrize(
    ("status", "error", "name"),
    [
        (503, None, "503"),
        (503, "TimeoutError", "503"),
        (None, "TimeoutError: no answer\nwithin 10 s", "TimeoutError"),
        (None, "e" * 99, "e" * 60),
        (None, None, NO_ANSWER),
    ],
)
def test_one_response_has_the_name_that_many_have(
    status: int | None, error: str | None, name: str
) -> None:
    """A link from the errors then finds the rows of the exceptions."""
    columns = {"http_status": pa.array([status], pa.int16()), "error": pa.array([error])}
    columns["error"] = columns["error"].cast(pa.string())
    assert answers(pa.table(columns)).fill_null(NO_ANSWER).to_pylist() == [name]
    assert answer_of("" if status is None else status, error or "") == name
