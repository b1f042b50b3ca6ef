"""Executors: the same is done to each of some things, wherever Spark has its workers."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from pyspark import SparkContext

Task = TypeVar("Task")
Result = TypeVar("Result")


def mapped(
    spark: SparkContext, work: Callable[[Task], Result], tasks: Sequence[Task]
) -> list[Result]:
    """Do the work on each task, and give what comes of each, in their order."""
    if not tasks:
        return []
    return spark.parallelize(tasks, len(tasks)).map(work).collect()
