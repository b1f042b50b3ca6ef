"""Options that several commands share, and the values that they are parsed into."""

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

import click

from headcount.errors import UsageError
from headcount.ledger.location import check_location
from headcount.run.folder import RunFolder
from headcount.thresholds.grammar import Threshold, parse_all, read_file
from headcount.thresholds.metric_text import MetricError
from headcount.time_span import seconds_of

_Command = TypeVar("_Command", bound=Callable[..., Any])
LATE_AFTER_MS = 60_000
UNACKED = "unacked"
"""What is allowed by event type: that none of its attempts is acknowledged."""
DATABASE_VARIABLE = "HEADCOUNT_DATABASE_URL"
_DATABASE_URL = re.compile(r"sqlite:///.+|postgresql\+psycopg://([^@/]*@)?[^@]+")
_TIME_SPAN = re.compile(r"\d+|(?=\d)(\d+h)?(\d+m)?(\d+s)?")


class PassThrough(click.Command):
    """A command that hands on whatever stands after `--`, as the argument `extra`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take off what is not this command's."""
        own, rest = _split(args)
        remaining = super().parse_args(ctx, own)
        ctx.params["extra"] = tuple(rest)
        return remaining

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Show in the usage that more may follow."""
        return [*super().collect_usage_pieces(ctx), "[-- MORE OPTIONS]"]


class TimeSpan(click.ParamType[str]):
    """A span of time as Locust writes it."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check it."""
        if not _TIME_SPAN.fullmatch(str(value)) or not str(value).strip("0hms"):
            self.fail(f"must be such as 30s, 2m or 1h30m, got {value!r}", param, ctx)
        return str(value)


class Seconds(click.ParamType[float]):
    """A span of time, in seconds once it is read; it may be 0."""

    name = "TIME"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read it."""
        try:
            return seconds_of("it", str(value))
        except UsageError as error:
            self.fail(str(error).removeprefix("it "), param, ctx)


@dataclass(frozen=True, slots=True)
class Judging:
    """How a run is judged.

    `settle_s` and `watch_for_s` are None where the run's own times count.
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
        """What the run must keep to besides, from the file and from the command line."""
        return (*self.thresholds, *self.threshold)

    @property
    def waits(self) -> dict[str, str]:
        """The options that tell a run how long its topic is watched, where they were given."""
        times_s = {"--settle": self.settle_s, "--watch-for": self.watch_for_s}
        return {name: f"{time_s:.3f}s" for name, time_s in times_s.items() if time_s is not None}


def found_run(run: Path, reports_dir: Path) -> RunFolder:
    """The folder of a run that is named by its path or its id. UsageError if it is none."""
    path = run if run.is_dir() or len(run.parts) > 1 else reports_dir / run
    folder = RunFolder(path.absolute())
    folder.read_manifest()
    return folder


def with_reports_dir(command: _Command) -> _Command:
    """Add `--reports-dir`."""
    return click.option(
        "--reports-dir",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("reports"),
        show_default=True,
        help="Where runs are written to, one folder each.",
    )(command)


def with_ledger(command: _Command) -> _Command:
    """Add `--ledger`."""
    return click.option(
        "--ledger",
        default="",
        metavar="PLACE",
        envvar="HEADCOUNT_LEDGER",
        show_envvar=True,
        callback=_location,
        help="Where ledgers are kept: a folder or a URL, such as s3://bucket/ledgers, that every "
        "generator and Spark reach.  [default: the run's folder]",
    )(command)


def with_brokers_of_run(command: _Command) -> _Command:
    """Add `--bootstrap-servers`, for a run that has its own."""
    return click.option(
        "--bootstrap-servers",
        metavar="HOST:PORT,…",
        help="Brokers that have the topic.  [default: those of the run]",
    )(command)


def with_quiet(command: _Command) -> _Command:
    """Add `--quiet`."""
    return click.option("-q", "--quiet", is_flag=True, help="Print the result and nothing else.")(
        command
    )


def with_json(command: _Command) -> _Command:
    """Add `--json`."""
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Print one JSON document, that of verdict.json, and nothing else on stdout.",
    )(command)


def gathered(command: Callable[..., Any], name: str, kind: type[Any]) -> Callable[..., Any]:
    """Hand the options that are the fields of a dataclass on as one argument."""

    @functools.wraps(command)
    def gathering(**options: Any) -> Any:
        values = {each.name: options.pop(each.name) for each in fields(kind)}
        return command(**{name: kind(**values)}, **options)

    return gathering


def with_judging(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what decides how a run is judged, and hand it on as `judging`."""
    command = gathered(command, "judging", Judging)
    for option in (
        click.option(
            "--allow",
            multiple=True,
            metavar="CLASS=N|unacked=TYPE",
            callback=_allowances,
            help="How many of a class are no failure, such as lost=3 or reordered=0. Repeatable; "
            "lost, duplicated, ghost, phantom, corrupted, garbled, different (numbers of the "
            "state) and unsealed (generators that were killed) are 0 unless told; reordered, "
            "late, misplaced and malformed are not judged unless told. unacked=TYPE accepts that "
            "no attempt of an event type is acknowledged.",
        ),
        click.option(
            "--threshold",
            multiple=True,
            metavar="TEXT",
            callback=_threshold,
            help="What the run must keep to besides, such as 'http.p99 < 300ms', 'fail_ratio < 1%' "
            "or 'rps > 400 after 20s'; with 'abort' it stops the test. Repeatable; a broken one "
            "ends in exit code 4.",
        ),
        click.option(
            "--thresholds",
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            callback=_thresholds_file,
            help="A file of them, one a line.",
        ),
        click.option(
            "--late-after",
            "late_after_ms",
            type=click.IntRange(min=1),
            default=LATE_AFTER_MS,
            show_default=True,
            metavar="MS",
            help="A message is late when its timestamp is so long after the intended time.",
        ),
        click.option(
            "--settle",
            "settle_s",
            type=Seconds(),
            help="How long after the last answer an acknowledged event may arrive before it is "
            "lost, such as 500ms, 10s or 2m. Nothing is waited for where all is there.  "
            "[default: as the run was told, or 10s]",
        ),
        click.option(
            "--watch-for",
            "watch_for_s",
            type=Seconds(),
            help="How long the topic is watched after the last answer at least, so that late "
            "duplicates and ghosts are seen.  [default: as the run was told, or 500ms]",
        ),
        click.option(
            "--database-url",
            metavar="URL",
            envvar=DATABASE_VARIABLE,
            show_envvar=True,
            callback=_database_url,
            help="The game's database, with which its state is compared.  "
            "[default: that of the service that the run has started]",
        ),
        click.option(
            "--tables",
            metavar="URL",
            envvar="HEADCOUNT_TABLES",
            show_envvar=True,
            callback=_location,
            help="Storage that every host of a Spark cluster reaches, such as s3://bucket/tables, "
            "where the run's folder is not such.  [default: the run's folder]",
        ),
        with_spark,
    ):
        command = option(command)
    return command


def with_spark(command: _Command) -> _Command:
    """Add which Spark is used."""
    conf = click.option(
        "--spark-conf",
        multiple=True,
        metavar="NAME=VALUE",
        callback=_spark_conf,
        help="A setting of Spark's, such as spark.executor.memory=4g. Repeatable.",
    )
    heap = click.option(
        "--spark-heap",
        default="1400m",
        show_default=True,
        metavar="SIZE",
        envvar="HEADCOUNT_SPARK_HEAP",
        show_envvar=True,
        help="The heap of Spark's driver.",
    )
    master = click.option(
        "--spark-master",
        default="local[*]",
        show_default=True,
        metavar="URL",
        envvar="HEADCOUNT_SPARK_MASTER",
        show_envvar=True,
        help="A Spark master of your own.",
    )
    return master(heap(conf(command)))


def _spark_conf(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    pairs = [value.partition("=") for value in values]
    for (name, equals, _), value in zip(pairs, values, strict=True):
        if not equals or not name.startswith("spark."):
            raise click.BadParameter(f"must be spark.NAME=VALUE, got {value!r}")
    return {name: setting for name, _, setting in pairs}


def _location(
    _context: click.Context, parameter: click.Parameter, location: str | None
) -> str | None:
    return location and check_location(parameter.opts[0], location)


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
        # It is not repeated, for it may hold a password.
        raise click.BadParameter(
            "must be sqlite:///PATH or postgresql+psycopg://USER:PASSWORD@HOST/NAME, with @ and / "
            "in USER and PASSWORD as %40 and %2F"
        )
    return url


def _allowances(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, Any]:
    """Read a number for each class, and the event types that need not be acknowledged."""
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


def _split(args: list[str]) -> tuple[list[str], list[str]]:
    if "--" not in args:
        return args, []
    index = args.index("--")
    return args[:index], args[index + 1 :]
