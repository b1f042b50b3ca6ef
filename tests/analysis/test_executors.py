"""The executors: work is done on each task, and what goes wrong there is told in a line."""

import pytest
from pyspark.sql import SparkSession

from analysis.executors import ExecutorError, mapped
from headcount.errors import EvidenceError


def divided(number: int) -> float:
    """Work that fails on 0, on 7 for want of evidence, and on 8 for another error's sake."""
    if number == 7:
        raise EvidenceError("the evidence: is not whole")
    if number == 8:
        try:
            return 1 / 0
        except ZeroDivisionError as error:
            raise OSError(28, "No space left on device") from error
    return 12 / number


def test_each_task_is_done(spark: SparkSession) -> None:
    """In their order; nothing where there is none."""
    assert mapped(spark.sparkContext, divided, [1, 2, 3]) == [12, 6, 4]
    assert mapped(spark.sparkContext, divided, []) == []


@pytest.mark.parametrize(
    ("number", "kind", "told"),
    [
        (0, ExecutorError, "ZeroDivisionError: division by zero"),
        (7, EvidenceError, "the evidence: is not whole"),
        (8, ExecutorError, "OSError: [Errno 28] No space left on device"),
    ],
)
def test_what_a_task_raises_is_told(
    number: int, kind: type[Exception], told: str, spark: SparkSession
) -> None:
    """The last line of Python's traceback, and nothing of Java's stack."""
    with pytest.raises(kind) as raised:
        mapped(spark.sparkContext, divided, [1, number])
    assert str(raised.value) == told
