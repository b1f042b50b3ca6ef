"""The topic as seen by the verification: it may have changed since the run."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TopicSeen:
    """What the cluster reports about itself and the topic when the run is judged."""

    cluster_id: str | None = None
    topic_id: str | None = None
    cleanup_policy: str | None = None
    log_start_offsets: Mapping[int, int] = field(default_factory=dict)
    leader_epochs: Mapping[int, int] = field(default_factory=dict)
