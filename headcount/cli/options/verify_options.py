"""How a run is judged: its allowances, thresholds, times, state and Spark."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from headcount.cli.options.groups import (
    Decorator,
    OptionGroup,
    gathered,
    grouped_option,
    in_order,
)
from headcount.cli.options.output_options import checked_location
from headcount.cli.options.spark_options import with_spark
from headcount.cli.options.types import Seconds
from headcount.run.default_times import LATE_AFTER_MS, SETTLE_S, WATCH_FOR_S
from headcount.thresholds.grammar import Threshold, parse_all, read_file
from headcount.thresholds.metric_text import MetricError

UNACKED = "unacked"
"""Allows an event type without an acknowledged attempt."""
DATABASE_VARIABLE = "HEADCOUNT_DATABASE_URL"
_DATABASE_URL = re.compile(r"sqlite:///.+|postgresql\+psycopg://([^@/]*@)?[^@]+")

CLASSES = """
\b
Classes for --allow:
  lost, duplicated, ghost, phantom, corrupted, garbled, different (values of the state) and
  unsealed (generators that were killed) fail a run unless allowed
  reordered, late, misplaced and malformed are judged only if you set a number: reordered=0
  tolerates none
  unacked=TYPE allows an event type without any acknowledged attempt
"""
"""Part of the help of every command that takes `--allow`."""


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """How a run is judged.

    `settle_s` and `watch_for_s` are None if the run's own times apply.
    """

    spark_master: str
    spark_heap: str
    late_after_ms: int = LATE_AFTER_MS
    database_url: str | None = None
    allow: Mapping[str, Any] = field(default_factory=dict)
    spark_conf: Mapping[str, str] = field(default_factory=dict)
    tables: str | None = None
    threshold: tuple[Threshold, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    settle_s: float | None = None
    watch_for_s: float | None = None

    @property
    def all_thresholds(self) -> tuple[Threshold, ...]:
        """The thresholds of the file, then those of the command line."""
        return (*self.thresholds, *self.threshold)

    @property
    def plugin_times(self) -> dict[str, str]:
        """Options of the plugin for how long the topic is watched; empty by default."""
        times_s = {"--settle": self.settle_s, "--watch-for": self.watch_for_s}
        return {name: f"{time_s:.3f}s" for name, time_s in times_s.items() if time_s is not None}


def _allowances(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, Any]:
    """Parse a number for each class, and the event types that need no acknowledgement."""
    allowed: dict[str, Any] = {}
    for value in values:
        name, _, allowance = value.partition("=")
        if name == UNACKED:
            if not allowance:
                raise click.BadParameter(f"must be {UNACKED}=EVENT_TYPE, got {value!r}")
            allowed[UNACKED] = (*allowed.get(UNACKED, ()), allowance)
        elif allowance.isdecimal():
            allowed[name] = int(allowance)
        else:
            raise click.BadParameter(f"must be CLASS=N with a whole number, got {value!r}")
    return allowed


def _threshold(
    _context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]
) -> tuple[Threshold, ...]:
    try:
        return parse_all(texts)
    except MetricError as error:
        raise click.BadParameter(str(error)) from None


def _thresholds_file(
    _context: click.Context, _parameter: click.Parameter, path: Path | None
) -> tuple[Threshold, ...]:
    try:
        return () if path is None else read_file(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"cannot read {path}: {error}") from None
    except MetricError as error:
        raise click.BadParameter(f"{path}: {error}") from None


def _database_url(
    _context: click.Context, _parameter: click.Parameter, url: str | None
) -> str | None:
    if url is not None and not _DATABASE_URL.fullmatch(url):
        # The message does not repeat the URL, which may hold a password.
        raise click.BadParameter(
            "must be sqlite:///PATH or postgresql+psycopg://USER:PASSWORD@HOST/NAME, with @ and / "
            "in USER and PASSWORD as %40 and %2F"
        )
    return url


_CRITERIA = in_order(
    grouped_option(
        OptionGroup.JUDGING,
        "--allow",
        multiple=True,
        metavar="CLASS=N|unacked=TYPE",
        callback=_allowances,
        help="Tolerate N of a class, as in lost=3, or a TYPE that is never acked; repeatable.",
    ),
    grouped_option(
        OptionGroup.JUDGING,
        "--threshold",
        multiple=True,
        metavar="TEXT",
        callback=_threshold,
        help="Pass criterion, such as 'http.p99 < 300ms' or 'lost == 0 abort'; repeatable.",
    ),
    grouped_option(
        OptionGroup.JUDGING,
        "--thresholds",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        callback=_thresholds_file,
        help="File of thresholds, one per line.",
    ),
    grouped_option(
        OptionGroup.JUDGING,
        "--late-after",
        "late_after_ms",
        type=click.IntRange(min=1),
        default=LATE_AFTER_MS,
        show_default=True,
        metavar="MS",
        help="Messages this long after their intended time count as late.",
    ),
)
_PLACES = in_order(
    grouped_option(
        OptionGroup.JUDGING,
        "--database-url",
        metavar="URL",
        envvar=DATABASE_VARIABLE,
        show_envvar=True,
        show_default="the started game's",
        callback=_database_url,
        help="The game's database.",
    ),
    grouped_option(
        OptionGroup.JUDGING,
        "--tables",
        metavar="URL",
        envvar="HEADCOUNT_TABLES",
        show_envvar=True,
        show_default="the run's folder",
        callback=checked_location,
        help="Where Spark keeps its tables.",
    ),
    with_spark,
)


def _waits(settle: str, watch_for: str) -> Decorator:
    """Add the options for how long the topic is watched; the arguments describe their defaults."""
    return in_order(
        grouped_option(
            OptionGroup.JUDGING,
            "--settle",
            "settle_s",
            type=Seconds(),
            show_default=settle,
            help="Longest wait for missing events.",
        ),
        grouped_option(
            OptionGroup.JUDGING,
            "--watch-for",
            "watch_for_s",
            type=Seconds(),
            show_default=watch_for,
            help="Minimum wait for late duplicates and ghosts.",
        ),
    )


def with_verify_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command that judges an earlier run; they become `verify_options`."""
    return _with_options(command, _waits("that of the run", "that of the run"))


def with_options_of_new_run(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the same options to a command that starts the run that it judges."""
    return _with_options(command, _waits(f"{SETTLE_S:g}s", f"{1000 * WATCH_FOR_S:g}ms"))


def _with_options(command: Callable[..., Any], waits: Decorator) -> Callable[..., Any]:
    options = in_order(_CRITERIA, waits, _PLACES)
    return options(gathered("verify_options", VerifyOptions)(command))
