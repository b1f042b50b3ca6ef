"""The result of a scenario, and the table that shows all of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from headcount.cli.platform import Platform
from tests.faults.scenarios import Scenario
from tests.faults.stage import FaultStage

_COUNTS = ("attempted", "acked", "failed", "indeterminate", "lost", "duplicated")
_HEADER = (
    *("scenario", "fault", "verdict", *_COUNTS),
    *("recovered after", "slowest response", "state"),
)


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """The verdict of a scenario, and its deviations from the expected one."""

    scenario: Scenario
    code: int
    verdict: dict[str, Any]
    broken: tuple[str, ...]

    @property
    def row(self) -> tuple[str, ...]:
        """Its row in the table."""
        counts = (f"{self.verdict['counts'][name]:,}" for name in _COUNTS)
        named = f"{self.verdict['verdict']} ({self.code})"
        return (
            self.scenario.name,
            self.scenario.what,
            named,
            *counts,
            self._recovered,
            self._slowest,
            self._state,
        )

    @property
    def _recovered(self) -> str:
        """The time from the first mark until the last disturbance was over."""
        marked = [moment for moment in self.verdict["moments"] if moment["source"] == "marked"]
        took = [moment for moment in marked if moment["recovered_after_ms"] is not None]
        if not took:
            return "not disturbed"
        first, last = (_ms(moment["at"]) for moment in (marked[0], took[-1]))
        if not took[-1]["is_recovered"]:
            return "not by the run's end"
        return f"{(last - first + took[-1]['recovered_after_ms']) / 1000:.1f} s"

    @property
    def _state(self) -> str:
        """The result of the state check; empty if there was none."""
        check = self.verdict["state_check"]
        if not check["numbers"]:
            return ""
        return f"{self.verdict['state']} ({check['owners']:,} players)"

    @property
    def _slowest(self) -> str:
        """The longest time to a response: a request that was not refused may have waited."""
        (times,) = (
            latency
            for latency in self.verdict["latency_ms"]
            if (latency["event_type"], latency["measure"]) == ("total", "http")
        )
        return f"{times['max_ms'] / 1000:.1f} s"


def perform(scenario: Scenario, ready: Platform, path: Path) -> ScenarioResult:
    """Start the parts, run a scenario and judge it."""
    path.mkdir(parents=True, exist_ok=True)
    with FaultStage(scenario.setup, ready, path) as stage:
        scenario.act(stage)
        code = scenario.judge(stage)
        verdict = stage.verdict
    broken = tuple(scenario.broken(code, verdict))
    return ScenarioResult(scenario, code, verdict, broken)


def table(results: Iterable[ScenarioResult]) -> str:
    """Write the results as a table in Markdown."""
    rows = [_HEADER, ("---",) * 3 + ("---:",) * 8 + ("---",), *(result.row for result in results)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _ms(at: str) -> float:
    return datetime.fromisoformat(at).timestamp() * 1000
