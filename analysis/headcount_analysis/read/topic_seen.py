"""The topic as seen by the verification: it may have changed since the run."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TopicSeen:
    """What the cluster reports about itself and the topic when the run is judged.

    `epoch_ends` has an offset for each partition whose leader has changed since the run's start:
    where the leader epoch that was current at the start ended.
    """

    cluster_id: str | None = None
    topic_id: str | None = None
    cleanup_policy: str | None = None
    log_start_offsets: Mapping[int, int] = field(default_factory=dict)
    leader_epochs: Mapping[int, int] = field(default_factory=dict)
    epoch_ends: Mapping[int, int] = field(default_factory=dict)

    def start_of(self, partition: int, recorded: int) -> int:
        """Return where the run's part of a partition starts: at the recorded offset, or before it.

        It is earlier if a later leader lacked the last messages before the recorded offset. That
        leader began to write where its own log ended, and everything from there on is newer than
        the recorded start.
        """
        return min(recorded, self.epoch_ends.get(partition, recorded))
