"""The tools of a verification, made by the caller: Spark, the source, the tables, callbacks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from pyspark import SparkContext

from headcount.kafka.cluster import Cluster
from headcount_analysis.batches.expected import needs_headers, plain_json
from headcount_analysis.formats.catalogue import format_of
from headcount_analysis.formats.message_format import MessageFormat
from headcount_analysis.pipeline.plan import VerificationPlan
from headcount_analysis.read.settling_policy import Settling
from headcount_analysis.read.source import Kafka, Source
from headcount_analysis.spark.tables import Tables

ReportProgress = Callable[[str], None]
"""Called with the name of each step as it begins."""

IsEmpty = Callable[[int, int, int], bool]
"""Whether a partition holds no message in a range of offsets: (partition, first, end)."""


def _no_progress(_step: str) -> None:
    """Report nothing."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The tools that a verification works with; `message_format` decodes the topic's messages.

    `settling` decides how far to read on while events are missing; None reads to the plan's end.
    `is_empty` checks whether no message follows the last one read; without it, the offsets between
    that message and the end count as unread.
    """

    spark: SparkContext
    source: Source
    tables: Tables
    message_format: MessageFormat = field(default_factory=plain_json)
    settling: Settling | None = None
    is_empty: IsEmpty | None = None
    progress: ReportProgress = _no_progress

    @classmethod
    def of(cls, plan: VerificationPlan, spark: SparkContext) -> Self:
        """Make tools that use the manifest's plaintext brokers, and write to the run's folder."""
        message_format = format_of(plan.manifest.format_settings)
        source = Kafka(
            spark,
            Cluster(plan.manifest.bootstrap_servers),
            needs_headers=needs_headers(plan.manifest, message_format),
        )
        return cls(spark, source, Tables(plan.folder.path.absolute()), message_format)
