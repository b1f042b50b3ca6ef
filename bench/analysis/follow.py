"""`follow`: how soon a verdict stands after a run that was followed, however long the run was.

Generated runs of two sizes are followed until nearly all of each is taken in and its blocks are
compared. Then the run is over: the time from there to the report is taken, and beside it that of
`headcount verify`, which begins with nothing.
"""

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.harness.figures import spread
from bench.harness.parts import ProcessUsage, Workbench, finished, last_line, warm_up
from bench.harness.result import BenchmarkResult
from bench.harness.target import PerformanceTarget
from bench.runs.generated import check_found, deadline_s, generated, verified

NAME = "follow"
TARGET_S = 10.0
HELD_BY = "what is read of the whole run at its end, above all the report's tables"


@dataclass(frozen=True, slots=True)
class FollowSettings:
    """How it is measured: `events` are the two sizes."""

    rounds: int = 1
    events: tuple[int, int] = (1_000_000, 5_000_000)


@dataclass(frozen=True, slots=True)
class FollowedRun:
    """What a follower says: what it had found when the run was over, and what was left to do."""

    messages: int
    blocks: int
    seconds: float


@dataclass(frozen=True, slots=True)
class FollowRound:
    """A run of so many events: followed, and judged afterwards."""

    events: int
    followed: FollowedRun
    afterwards: ProcessUsage


def measure(settings: FollowSettings, stage: Workbench) -> BenchmarkResult:
    """Generate the runs, follow each, and judge each again."""
    taken: list[FollowRound] = []
    for events in settings.events:
        run = generated(stage, stage.folder / f"generated-{events}", f"events-{events}", events)
        if not taken:
            warm_up(stage, functools.partial(verified, stage, run, events))
        for number in range(settings.rounds):
            with stage.console.step(f"Round {number + 1} of {settings.rounds}: {events:,}"):
                taken.append(_round(stage, run, events))
    return _result(settings, taken)


def _round(stage: Workbench, run: Path, events: int) -> FollowRound:
    """Follow a run, and verify it. PartError if either does not pass."""
    follower = stage.start("the follower", "-m", "bench.analysis.follower", str(run))
    finished(follower, deadline_s(events))
    found = FollowedRun(**json.loads(last_line(follower)))
    check_found(run, events)
    return FollowRound(events, found, verified(stage, run, events))


def _result(settings: FollowSettings, taken: Sequence[FollowRound]) -> BenchmarkResult:
    by_size = {
        events: [each for each in taken if each.events == events] for events in settings.events
    }
    soon = {
        events: spread(each.followed.seconds for each in mine) for events, mine in by_size.items()
    }
    late = {
        events: spread(each.afterwards.seconds for each in mine) for events, mine in by_size.items()
    }
    last = by_size[settings.events[-1]][-1].followed
    return BenchmarkResult(
        name=NAME,
        title="follow: seconds from the end of a run to its verdict",
        columns=("events", "followed", "verified afterwards"),
        rows=[
            (f"{events:,}", soon[events].show(".1f"), late[events].show(".1f"))
            for events in by_size
        ],
        settings={"settings": settings},
        rounds=taken,
        figures={
            "followed_s": {str(events): soon[events] for events in by_size},
            "verified_s": {str(events): late[events] for events in by_size},
        },
        notes=(
            f"when it was over: {last.messages:,} messages read, {last.blocks} blocks compared",
            "what is left then: the stream's end, the seals, what else the topic has, the report",
            "verified afterwards: a process of its own, from its start to its end",
        ),
        targets=[
            PerformanceTarget(
                f"verdict after the drain, {events:,} events",
                TARGET_S,
                soon[events],
                at_most=True,
                unit=" s",
                held_by=HELD_BY,
            )
            for events in by_size
        ],
    )
