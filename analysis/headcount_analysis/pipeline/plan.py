"""The plan of a verification: which run is judged, and by which criteria."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from headcount.ledger.reader import GeneratorLedger
from headcount.run.folder import RunFolder
from headcount.run.manifest import End, Manifest
from headcount.thresholds.grammar import Threshold
from headcount_analysis.judge import Limits
from headcount_analysis.read.settling_policy import Database
from headcount_analysis.read.topic_range import OffsetRange
from headcount_analysis.read.topic_seen import TopicSeen


@dataclass(frozen=True, slots=True)
class VerificationPlan:
    """One run, the end of its part of the topic, and the criteria that it is judged by.

    `parts` is the ledger as listed before `end` was read; if it is None, the
    ledger is listed when it is read. `seen` is what the cluster reports about itself and the topic
    now.
    """

    folder: RunFolder
    manifest: Manifest
    end: End
    parts: Sequence[GeneratorLedger] | None = None
    seen: TopicSeen = field(default_factory=TopicSeen)
    database: Database = field(default_factory=Database)
    limits: Limits = field(default_factory=Limits)
    thresholds: Sequence[Threshold] = ()

    @property
    def owner_prefix(self) -> str:
        """The prefix of the names of the run's owners."""
        return f"{self.manifest.tag}."

    @property
    def offsets(self) -> OffsetRange:
        """The part of the run's range that Kafka still holds.

        If Kafka has deleted the beginning, the judge reports that.
        """
        start = {
            partition: max(
                self.seen.start_of(partition, self.manifest.start_offsets.get(partition, 0)),
                self.end.log_start_offsets.get(partition, 0),
                self.seen.log_start_offsets.get(partition, 0),
            )
            for partition in self.end.end_offsets
        }
        return OffsetRange(self.manifest.topic, start, self.end.end_offsets)
