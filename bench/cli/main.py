"""The benchmarks' command line."""

import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from bench.analysis import follow, reconcile
from bench.harness.parts import Workbench, stage, versions
from bench.harness.result import BenchmarkResult, machine, save, show
from bench.load import overhead, rate
from bench.pages import performance
from bench.report import page_load
from bench.runs import warm
from bench.service import outage, throughput
from bench.sizing import cores, costs, model
from headcount.console import Console
from headcount.errors import HeadcountError
from headcount.open_model.rate import parse_rate

_EXAMPLES = """
\b
Examples:
  python -m bench overhead                          the plugin's cost, about a minute and a half
  python -m bench service --connections 32 --rounds 5
  python -m bench outage --by kill                  a worker's memory without its broker
  python -m bench reconcile --events 1000000        a smaller run alone
  python -m bench warm --rounds 1                   a run of 30 s, from its command to its end
  python -m bench rate                              arrivals on time, and a stall seen in full
  python -m bench report --minutes 30 --rate 500    size of its page, and how soon it opens
  python -m bench sizing --rate 100000/s --duration 1h
                                                    what that takes, by the costs that were measured
  python -m bench follow --rounds 3                 the verdict on a run that was followed
  python -m bench --output docs/measured costs      what a request takes; `cores`: what a verdict
  python -m bench page docs                         write the pages anew of what was measured
  python -m bench all                               all but report, with 20 GiB of room
  make bench ARGS="overhead --rounds 9"             the same, through make
"""


@dataclass(frozen=True, slots=True)
class Output:
    """Where results go, and whether progress is told."""

    folder: Path
    quiet: bool


@click.group(
    epilog=_EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("reports/bench"),
    show_default=True,
    help="Where <benchmark>.json is written to, and where scratch data lies meanwhile.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print the tables and nothing else.")
@click.pass_context
def cli(context: click.Context, output: Path, *, quiet: bool) -> None:
    """Measure Headcount beside its peers: each figure is a ratio of two taken in turn.

    Put nothing else on the machine meanwhile: the load that was there before is printed.
    """
    context.obj = Output(output.absolute(), quiet)


def with_two_sizes(
    default: tuple[int, int],
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add `--events`, the sizes of two generated runs."""
    return click.option(
        "--events",
        type=(click.IntRange(min=1), click.IntRange(min=2)),
        default=default,
        show_default=True,
        help="The two sizes of runs.",
    )


@cli.command("overhead")
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--users", type=click.IntRange(min=1), default=50, show_default=True)
@click.option("--seconds", type=click.FloatRange(min=0.5), default=6.0, show_default=True)
@click.pass_obj
def overhead_command(output: Output, rounds: int, users: int, seconds: float) -> None:
    """Requests per second of a saturated generator: LedgerUser over FastHttpUser."""
    settings = overhead.OverheadSettings(rounds=rounds, users=users, window_s=seconds)
    _take(output, lambda stage: overhead.measure(settings, stage))


@cli.command("service")
@click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=throughput.ThroughputSettings().rounds,
    show_default=True,
)
@click.option("--seconds", type=click.FloatRange(min=0.5), default=5.0, show_default=True)
@click.option(
    "--connections",
    type=click.IntRange(min=1),
    multiple=True,
    default=(32, 256),
    show_default=True,
    help="Repeatable.",
)
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--threads", type=click.IntRange(min=1), default=16, show_default=True)
@click.option("--path", default="/", show_default=True, help="What is asked for.")
@click.pass_obj
def service_command(
    output: Output,
    *,
    rounds: int,
    seconds: float,
    connections: tuple[int, ...],
    workers: int,
    threads: int,
    path: str,
) -> None:
    """Acknowledged requests per second of the service, over the same one that publishes nothing."""
    settings = throughput.ThroughputSettings(rounds, seconds, connections, workers, threads, path)
    _take(output, lambda stage: throughput.measure(settings, stage))


@cli.command("outage")
@click.option("--seconds", type=click.FloatRange(min=1), default=60.0, show_default=True)
@click.option("--by", type=click.Choice(outage.WAYS), default="stop", show_default=True)
@click.option("--connections", type=click.IntRange(min=1), default=32, show_default=True)
@click.pass_obj
def outage_command(output: Output, *, seconds: float, by: str, connections: int) -> None:
    """Memory of the service's workers while its broker is away, and what they answer."""
    settings = outage.OutageSettings(seconds, by, connections)
    _take(output, lambda stage: outage.measure(settings, stage))


@cli.command("reconcile")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option(
    "--events",
    type=click.IntRange(min=1),
    multiple=True,
    default=reconcile.ReconcileSettings().events,
    show_default=True,
    help="Repeatable.",
)
@click.option(
    "--faults",
    type=click.IntRange(min=1),
    default=reconcile.ReconcileSettings().faults,
    show_default=True,
    help="How many acknowledged events the topic of a run with faults lacks.",
)
@click.pass_obj
def reconcile_command(output: Output, rounds: int, events: tuple[int, ...], faults: int) -> None:
    """Seconds and memory of `headcount verify`, beside a script of librdkafka, json and polars."""
    settings = reconcile.ReconcileSettings(rounds, events, faults)
    _take(output, lambda stage: reconcile.measure(settings, stage))


@cli.command("warm")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--seconds", type=click.IntRange(min=1), default=30, show_default=True)
@click.pass_obj
def warm_command(output: Output, rounds: int, seconds: int) -> None:
    """What a short `headcount run` takes beyond its load."""
    _take(output, lambda stage: warm.measure(warm.WarmSettings(rounds, seconds), stage))


@cli.command("rate")
@click.option(
    "--rounds", type=click.IntRange(min=1), default=rate.RateSettings().rounds, show_default=True
)
@click.option("--seconds", type=click.IntRange(min=3), default=10, show_default=True)
@click.option("--stalled-rate", type=click.IntRange(min=1), default=300, show_default=True)
@click.pass_obj
def rate_command(output: Output, rounds: int, seconds: int, stalled_rate: int) -> None:
    """How late --rate begins its requests, and what it says of a stall, beside Vegeta."""
    settings = rate.RateSettings(rounds=rounds, seconds=seconds, stalled_rate=stalled_rate)
    _take(output, lambda stage: rate.measure(settings, stage))


@cli.command("report")
@click.option("--minutes", type=click.FloatRange(min=0.1), default=30.0, show_default=True)
@click.option(
    "--rate", type=click.IntRange(min=10), default=500, show_default=True, help="Requests a second."
)
@click.option("--faults", type=click.IntRange(min=0), default=2_000, show_default=True)
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True)
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the page is kept, with pictures of it: wide, narrow, dark and printed.",
)
@click.pass_obj
def report_command(
    output: Output, *, minutes: float, rate: int, faults: int, rounds: int, keep: Path | None
) -> None:
    """Size of a long run's report, and how soon chromium shows it beside an empty page."""
    settings = page_load.PageLoadSettings(minutes, rate, faults, rounds, keep)
    _take(output, lambda stage: page_load.measure(settings, stage))


@cli.command("costs")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--seconds", type=click.FloatRange(min=0.5), default=10.0, show_default=True)
@click.pass_obj
def costs_command(output: Output, rounds: int, seconds: float) -> None:
    """What one event takes of generator, service and broker, and of ledger and topic."""
    settings = costs.CostsSettings(rounds=rounds, seconds=seconds)
    _take(output, lambda stage: costs.measure(settings, stage))


@cli.command("follow")
@click.option("--rounds", type=click.IntRange(min=1), default=1, show_default=True)
@with_two_sizes(follow.FollowSettings().events)
@click.pass_obj
def follow_command(output: Output, rounds: int, events: tuple[int, int]) -> None:
    """Seconds from the end of a run that was followed to its verdict."""
    settings = follow.FollowSettings(rounds, events)
    _take(output, lambda stage: follow.measure(settings, stage))


@cli.command("cores")
@click.option("--rounds", type=click.IntRange(min=1), default=2, show_default=True)
@with_two_sizes(cores.CoresSettings().events)
@click.pass_obj
def cores_command(output: Output, rounds: int, events: tuple[int, int]) -> None:
    """How the time to a verdict grows with events, and falls with cores."""
    if events[0] >= events[1]:
        raise click.BadParameter(f"--events must be a smaller and a larger number, got {events}")
    settings = cores.CoresSettings(rounds, events)
    _take(output, lambda stage: cores.measure(settings, stage))


_RATE, _DURATION = "100000/s", "1h"
_DEFAULT_REQUEST = model.SizingRequest(parse_rate(f"{_RATE}:{_DURATION}"), 15 * 60, 0.6, 3)
"""What the document on scaling answers, and `sizing` by default."""


def _sizing_of(rate: str, duration: str) -> str:
    return f"python -m bench sizing --rate {rate} --duration {duration}"


@cli.command("sizing")
@click.option("--rate", default=_RATE, show_default=True, help="Requests, such as 500/s.")
@click.option("--duration", default=_DURATION, show_default=True, help="How long, such as 30m.")
@click.option(
    "--within",
    "within_m",
    type=click.FloatRange(min=0, min_open=True),
    default=_DEFAULT_REQUEST.within_s / 60,
    show_default=True,
    metavar="MINUTES",
    help="When the verdict is wanted.",
)
@click.option(
    "--busy",
    type=click.FloatRange(0, 1, min_open=True),
    default=_DEFAULT_REQUEST.busy,
    show_default=True,
    help="How much of each core is used for good.",
)
@click.option(
    "--replication",
    type=click.IntRange(min=1),
    default=_DEFAULT_REQUEST.replication,
    show_default=True,
)
@click.option(
    "--measured",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("docs/measured"),
    show_default=True,
    help="Where costs.json and cores.json are.",
)
@click.option(
    "--write",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="A document whose block is written anew.",
)
def sizing_command(
    *,
    rate: str,
    duration: str,
    within_m: float,
    busy: float,
    replication: int,
    measured: Path,
    write: Path | None,
) -> None:
    """What a load takes of each part, which limit comes first, and what to add."""
    request = model.SizingRequest(
        parse_rate(f"{rate}:{duration}"), within_m * 60, busy, replication
    )
    block = model.markdown(model.read_costs(measured), request, _sizing_of(rate, duration))
    click.echo(block)
    if write is not None:
        model.rewrite(write, block)


@cli.command("all")
@click.option(
    "--write",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="The documents whose pages are written anew, of what is then kept in their measured/.",
)
@click.pass_obj
def all_command(output: Output, write: Path | None) -> None:
    """Take every benchmark but `report`, as it is by default; an hour, and 20 GiB of room."""
    folder = None if write is None else write / "measured"
    measures: tuple[Callable[[Workbench], BenchmarkResult], ...] = (
        lambda stage: overhead.measure(overhead.OverheadSettings(), stage),
        lambda stage: rate.measure(rate.RateSettings(), stage),
        lambda stage: throughput.measure(throughput.ThroughputSettings(), stage),
        lambda stage: outage.measure(outage.OutageSettings(), stage),
        lambda stage: reconcile.measure(reconcile.ReconcileSettings(), stage),
        lambda stage: warm.measure(warm.WarmSettings(), stage),
        lambda stage: follow.measure(follow.FollowSettings(), stage),
        lambda stage: costs.measure(costs.CostsSettings(), stage),
        lambda stage: cores.measure(cores.CoresSettings(), stage),
    )
    try:
        for measure in measures:
            _take(output, measure, folder)
    finally:  # what was measured until then is kept, and the pages say what is kept
        if write is not None:
            _write_pages(write)


@cli.command("page")
@click.argument("documents", type=click.Path(file_okay=False, exists=True, path_type=Path))
def page_command(documents: Path) -> None:
    """Write performance.md and scaling.md in DOCUMENTS anew, of what its measured/ has."""
    _write_pages(documents)


def _write_pages(documents: Path) -> None:
    measured = documents / "measured"
    performance.write(documents / "performance.md", measured)
    block = model.markdown(
        model.read_costs(measured), _DEFAULT_REQUEST, _sizing_of(_RATE, _DURATION)
    )
    model.rewrite(documents / "scaling.md", block)


def _take(
    output: Output, measure: Callable[[Workbench], BenchmarkResult], kept_in: Path | None = None
) -> None:
    """Run a benchmark on parts of its own, print its table and save it."""
    seen = machine()
    output.folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(
            prefix="scratch-", dir=output.folder, ignore_cleanup_errors=True
        ) as scratch,
        stage(Path(scratch), Console(quiet=output.quiet)) as parts,
    ):
        result = measure(parts)
    show(result, seen)
    path = save(result, seen, kept_in or output.folder, versions(parts.ready))
    click.echo(f"written to {path}\n")


def main() -> NoReturn:
    """Run the command; what cannot be measured is told in one line."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    code = 0
    try:
        cli()
    except HeadcountError as error:
        sys.stderr.write(f"bench: {error}\n")
        code = error.exit_code
    sys.exit(code)


def _as_interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
