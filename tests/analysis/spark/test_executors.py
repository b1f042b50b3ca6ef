"""The executors: the function runs on each task, and an error becomes one line."""

import subprocess
import sys
from pathlib import Path

import pytest
from headcount_analysis.spark.executors import ExecutorError, mapped
from pyspark.sql import SparkSession

from headcount.errors import EvidenceError
from headcount.stack.jvm.java import Java

WITHOUT_TABLES = """
import sys
from pathlib import Path
from headcount_analysis.spark.executors import mapped
from headcount_analysis.spark.config import SessionConfig
from headcount_analysis.spark.session import open_session
from headcount.errors import EvidenceError
from headcount.stack.jvm.compilation_flags import QUICK_START
home, folder = map(Path, sys.argv[1:])
config = SessionConfig(home, (), folder / "spark.log", heap="512m", scratch=folder,
                       java_options=QUICK_START)

def fail(kind):
    raise kind("not whole")

with open_session(config) as spark:
    for kind in (EvidenceError, OSError):
        try:
            mapped(spark, fail, [kind])
        except Exception as error:
            print(type(error).__name__, error)
"""


def divided(number: int) -> float:
    """Divide; fail on 0, on 7 with EvidenceError, and on 8 with a chained error."""
    if number == 7:
        raise EvidenceError("the evidence: is not whole")
    if number == 8:
        try:
            return 1 / 0
        except ZeroDivisionError as error:
            raise OSError(28, "No space left on device") from error
    return 12 / number


def test_each_task_is_done(spark: SparkSession) -> None:
    """In order; no tasks give no results."""
    assert mapped(spark.sparkContext, divided, [1, 2, 3]) == [12, 6, 4]
    assert mapped(spark.sparkContext, divided, []) == []


@pytest.mark.parametrize(
    ("number", "kind", "message"),
    [
        (0, ExecutorError, "ZeroDivisionError: division by zero"),
        (7, EvidenceError, "the evidence: is not whole"),
        (8, ExecutorError, "OSError: [Errno 28] No space left on device"),
    ],
)
def test_an_error_in_a_task_is_reported(
    number: int, kind: type[Exception], message: str, spark: SparkSession
) -> None:
    """The last line of Python's traceback, without Java's stack."""
    with pytest.raises(kind) as raised:
        mapped(spark.sparkContext, divided, [1, number])
    assert str(raised.value) == message


@pytest.mark.slow
@pytest.mark.e2e
def test_an_error_is_reported_if_no_tables_are_read(java: Java, tmp_path: Path) -> None:
    """Spark raises another type of error then, as in a verification that compares no state."""
    command = [sys.executable, "-c", WITHOUT_TABLES, str(java.home), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "EvidenceError not whole",
        "ExecutorError OSError: not whole",
    ]
