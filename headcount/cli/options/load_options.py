"""How much load a run makes, and of which kind."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from headcount.cli.options.groups import OptionGroup, gathered, grouped_option, in_order
from headcount.cli.options.types import RunTime
from headcount.errors import UsageError
from headcount.noun_counts import number
from headcount.open_model.rate import parse_rate
from headcount.open_model.schedule import Spacing
from headcount.run.outcome_rules import Rule, split
from headcount.thresholds.metric_text import MetricError
from headcount.time_span import seconds_of

USERS, RUN_TIME = 20, "30s"


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How much load a run makes; None or empty if not set."""

    users: int | None
    spawn_rate: float | None
    run_time: str | None
    rate: str
    spacing: str | None
    max_in_flight: int | None
    processes: int | None
    mix: str
    seed: int | None
    outcome_rules: tuple[Rule, ...]

    @property
    def users_or_default(self) -> int | None:
        """The number of users; None if it follows from the rate."""
        return self.users if self.users or self.rate else USERS

    @property
    def default_run_time(self) -> str | None:
        """The default duration; None if a run time, the rate or a load shape ends the load."""
        has_end = bool(self.rate) and parse_rate(self.rate).duration_s is not None
        return None if self.run_time or has_end else RUN_TIME

    def length_s(self, shape: str | None) -> float | None:
        """How long the load takes, in s; None if a load shape decides it, or nothing does."""
        if run_time := self.run_time or (None if shape else self.default_run_time):
            return seconds_of("--run-time", run_time)
        return parse_rate(self.rate).duration_s if self.rate else None

    def check(self) -> None:
        """Raise UsageError if the rate is invalid, or missing for an option that needs it."""
        if self.rate:
            parse_rate(self.rate)
            return
        for name, value in (("--spacing", self.spacing), ("--max-in-flight", self.max_in_flight)):
            if value is not None:
                raise UsageError(
                    f"{name} needs --rate: add a rate, such as 100/s, or leave {name} out"
                )

    def size(self, scenario: str, shape: str | None) -> str:
        """Format the amount of load; `shape` is the scenario's load shape, if it has one."""
        if shape is not None:
            limit = f", for at most {self.run_time}" if self.run_time else ""
            return f"set by the load shape {shape} in {scenario}{limit},"
        run_time = self.run_time or self.default_run_time
        size = f"a rate of {self.rate}" if self.rate else number(self.users or USERS, "user")
        return f"{size} for {run_time}" if run_time else size


def _outcome_rules(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[Rule, ...]:
    try:
        return tuple(rule for value in values for rule in split(value))
    except MetricError as error:
        raise click.BadParameter(str(error)) from None


with_outcome = grouped_option(
    OptionGroup.JUDGING,
    "--outcome",
    "outcome_rules",
    multiple=True,
    metavar="RULE",
    callback=_outcome_rules,
    help="Rule for outcomes, such as '202 = acked'; repeatable, the first match decides.",
)

_OPTIONS = in_order(
    grouped_option(
        OptionGroup.LOAD,
        "-u",
        "--users",
        type=click.IntRange(min=1),
        metavar="N",
        show_default=f"{USERS}; with --rate, its peak/s or --max-in-flight",
        help="Concurrent users.",
    ),
    grouped_option(
        OptionGroup.LOAD,
        "-r",
        "--spawn-rate",
        type=click.FloatRange(min=0, min_open=True),
        metavar="N",
        show_default="all at once",
        help="Users started per second.",
    ),
    grouped_option(
        OptionGroup.LOAD,
        "-t",
        "--run-time",
        type=RunTime(),
        show_default=f"{RUN_TIME}, or the end of --rate or a load shape",
        help="Duration, such as 1h30m.",
    ),
    grouped_option(
        OptionGroup.LOAD,
        "--rate",
        default="",
        metavar="RATE",
        help="Start tasks at this rate, however long each runs: 500/s, or 0/s..500/s:1m,500/s:5m.",
    ),
    grouped_option(
        OptionGroup.LOAD,
        "--spacing",
        type=click.Choice([spacing.value for spacing in Spacing]),
        show_default=Spacing.CONSTANT.value,
        help="Space the tasks of --rate evenly or at random.",
    ),
    grouped_option(
        OptionGroup.LOAD,
        "--max-in-flight",
        type=click.IntRange(1, 1_000_000),
        metavar="N",
        show_default="the value of --users",
        help="Maximum number of tasks running at once with --rate.",
    ),
    grouped_option(
        OptionGroup.LOAD,
        "--processes",
        type=click.IntRange(min=1),
        metavar="N",
        show_default="one, with no workers",
        help="Number of generators, each a Locust worker process.",
    ),
    grouped_option(
        OptionGroup.LOAD,
        "--mix",
        default="",
        metavar="TASK=N,…",
        help="Weights of the tasks, such as default=5,sword=3,guild=2.",
    ),
    grouped_option(
        OptionGroup.LOAD,
        "--seed",
        type=int,
        metavar="N",
        show_default="random",
        help="Random seed; the same seed makes the same requests again.",
    ),
    with_outcome,
)


def with_load_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options, and pass them on as `load_options`."""
    return _OPTIONS(gathered("load_options", LoadOptions)(command))
