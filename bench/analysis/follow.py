"""`follow`: time from the end of a followed run to its verdict, by the run's length.

A follower reads generated runs of two sizes until nearly all of each is read and compared. Then the
run ends: the benchmark measures the time from there to the report, and compares it with that of
`headcount verify`, which starts from scratch.
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
from bench.runs.generated import check_verdict, deadline_s, generated, verified

NAME = "follow"
TARGET_S = 10.0
HELD_BY = "some parts read the whole run at its end, above all the report's tables"


@dataclass(frozen=True, slots=True)
class FollowSettings:
    """Settings of the measurement; `events` are the two sizes."""

    rounds: int = 1
    events: tuple[int, int] = (1_000_000, 5_000_000)


@dataclass(frozen=True, slots=True)
class FollowedRun:
    """A follower's progress at the end of the run, and its time from there to the report."""

    messages: int
    blocks: int
    seconds: float


@dataclass(frozen=True, slots=True)
class FollowRound:
    """A run that was followed, and judged again afterwards."""

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
    """Follow a run, then verify it. Raises PartError if either does not pass."""
    follower = stage.start("the follower", "-m", "bench.analysis.follower", str(run))
    finished(follower, deadline_s(events))
    progress = FollowedRun(**json.loads(last_line(follower)))
    check_verdict(run, events)
    return FollowRound(events, progress, verified(stage, run, events))


def _result(settings: FollowSettings, taken: Sequence[FollowRound]) -> BenchmarkResult:
    by_size = {
        events: [one_round for one_round in taken if one_round.events == events]
        for events in settings.events
    }
    soon = {
        events: spread(one_round.followed.seconds for one_round in rounds)
        for events, rounds in by_size.items()
    }
    late = {
        events: spread(one_round.afterwards.seconds for one_round in rounds)
        for events, rounds in by_size.items()
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
            f"at the end of the run: {last.messages:,} messages, {last.blocks} blocks compared",
            "work left then: the stream's end, the seals, the rest of the topic, the report",
            "verified afterwards: a separate process, from start to exit",
        ),
        targets=[
            PerformanceTarget(
                f"time from the end of a run to its verdict, {events:,} events",
                TARGET_S,
                soon[events],
                at_most=True,
                unit=" s",
                held_by=HELD_BY,
            )
            for events in by_size
        ],
    )
