"""Executors: the same is done to each of some things, wherever Spark has its workers."""

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
    """What went wrong in an executor, in the line that Python ends a traceback with."""


def mapped(
    spark: SparkContext, work: Callable[[Task], Result], tasks: Sequence[Task]
) -> list[Result]:
    """Do the work on each task, and give what comes of each, in their order.

    Raises:
        EvidenceError: The work on a task has raised it.
        ExecutorError: It has raised something else.
    """
    if not tasks:
        return []
    try:
        return spark.parallelize(tasks, len(tasks)).map(work).collect()
    except (Py4JJavaError, PySparkException) as error:
        # Either, by whether a session was made, has Python's traceback in the midst of Java's.
        raised: list[str] = _RAISED.findall(str(error))
        if not raised:
            raise
        if raised[-1].startswith(_EVIDENCE):
            raise EvidenceError(raised[-1].removeprefix(_EVIDENCE)) from error
        raise ExecutorError(raised[-1]) from error
