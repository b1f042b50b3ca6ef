"""A view of a run: its stage, its live statistics, and its verdict once there is one."""

from dataclasses import dataclass
from enum import StrEnum

from headcount.monitor.live_stats import LiveSnapshot
from headcount.run.manifest import Manifest
from headcount.run.verdict import StoredVerdict


class RunStage(StrEnum):
    """The stage that a run has reached."""

    RUNNING = "running"
    JUDGING = "judging"
    JUDGED = "judged"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True)
class RunView:
    """The state of a run at one moment.

    `step` is what its verification does, `verdict` is None unless the run is judged, `why_not` says
    why it is not judged, `abort` which threshold stopped the test, and `not_watched` since
    when the topic has not been watched; each text is empty if it does not apply.
    """

    manifest: Manifest
    stage: RunStage
    snapshot: LiveSnapshot
    step: str = ""
    verdict: StoredVerdict | None = None
    why_not: str = ""
    abort: str = ""
    not_watched: str = ""
