"""Executors: the same is done to each of some things, wherever Spark has its workers."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from pyspark.sql import SparkSession

Task = TypeVar("Task")
Result = TypeVar("Result")


def mapped(
    spark: SparkSession, work: Callable[[Task], Result], tasks: Sequence[Task]
) -> list[Result]:
    """Do the work on each task, and give what comes of each, in their order."""
    if not tasks:
        return []
    return spark.sparkContext.parallelize(tasks, len(tasks)).map(work).collect()
