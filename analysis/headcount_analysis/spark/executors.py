"""Executors: Spark runs a Python function on each task, and the driver collects the results.

A task is one Spark partition. The function does its work with Arrow, on files that it opens itself.
"""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark import SparkContext
from pyspark.errors import PySparkException

from headcount.errors import EvidenceError

Task = TypeVar("Task")
Result = TypeVar("Result")

_RAISED = re.compile(r"Traceback \(most recent call last\):\n(?:[ \t].*\n)+(\S.*)")
_EVIDENCE = f"{EvidenceError.__module__}.{EvidenceError.__name__}: "


class ExecutorError(Exception):
    """An error in an executor: the last line of its Python traceback."""


def mapped(
    spark: SparkContext, function: Callable[[Task], Result], tasks: Sequence[Task]
) -> list[Result]:
    """Run a function on each task in an executor, and collect the results in the tasks' order.

    Raises:
        EvidenceError: The function raised it.
        ExecutorError: The function raised another error.
    """
    if not tasks:
        return []
    try:
        return spark.parallelize(tasks, len(tasks)).map(function).collect()
    except (Py4JJavaError, PySparkException) as error:
        # pyspark raises one or the other, depending on whether a session exists; both hold Python's
        # traceback.
        raised: list[str] = _RAISED.findall(str(error))
        if not raised:
            raise
        if raised[-1].startswith(_EVIDENCE):
            raise EvidenceError(raised[-1].removeprefix(_EVIDENCE)) from error
        raise ExecutorError(raised[-1]) from error
