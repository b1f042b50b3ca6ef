"""The benchmarks' command line: `python -m bench`."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from bench.analysis import follow, formats, reconcile
from bench.cli.benchmarks import COMMANDS
from bench.cli.output import Output, take
from bench.cli.pages import page_command, sizing_command
from bench.harness.parts import Workbench
from bench.harness.result import BenchmarkResult
from bench.load import metrics_cost, overhead, rate
from bench.runs import history, warm
from bench.service import outage, throughput
from bench.sizing import cores, costs
from headcount.errors import HeadcountError

_EXAMPLES = """
\b
Examples:
  python -m bench overhead                          cost of the plugin, about 90 s
  python -m bench service --connections 32 --rounds 5
  python -m bench outage --by kill                  memory of a worker without its broker
  python -m bench reconcile --events 1000000        one small run
  python -m bench warm --rounds 1                   a 30 s run, from start to exit
  python -m bench history                           the page of 1,000 runs
  python -m bench rate                              punctuality, and latency during a stall
  python -m bench report --minutes 30 --rate 500    size and load time of the report
  python -m bench sizing --rate 100000/s --duration 1h
                                                    what that load needs
  python -m bench --write docs formats              messages/s of one core, into the page
  python -m bench follow --rounds 3                 time to verdict with and without --follow
  python -m bench --write docs costs                cost per event; `cores`: cost per verdict
  python -m bench page docs                         rewrite the pages from the measurements
  python -m bench all                               all but report; needs 20 GiB of disk
  make bench ARGS="overhead --rounds 9"             the same, through make
"""


@click.group(
    epilog=_EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("reports/bench"),
    show_default=True,
    help="Folder for <benchmark>.json and for scratch data.",
)
@click.option(
    "--write",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Documentation folder: save figures in its measured/, and rewrite its pages.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print only the tables.")
@click.pass_context
def cli(context: click.Context, output: Path, write: Path | None, *, quiet: bool) -> None:
    """Measure Headcount, mostly as ratios to its peers in alternating rounds.

    Keep the machine idle otherwise: the load average before each benchmark is printed.
    """
    context.obj = Output(output.absolute(), quiet, write)


@cli.command("all")
@click.pass_obj
def all_command(output: Output) -> None:
    """Run every benchmark but `report` with its defaults: an hour, 20 GiB of disk."""
    measures: tuple[Callable[[Workbench], BenchmarkResult], ...] = (
        lambda stage: overhead.measure(overhead.OverheadSettings(), stage),
        lambda stage: metrics_cost.measure(overhead.OverheadSettings(), stage),
        lambda stage: rate.measure(rate.RateSettings(), stage),
        lambda stage: throughput.measure(throughput.ThroughputSettings(), stage),
        lambda stage: outage.measure(outage.OutageSettings(), stage),
        lambda stage: reconcile.measure(reconcile.ReconcileSettings(), stage),
        lambda stage: warm.measure(warm.WarmSettings(), stage),
        lambda stage: history.measure(history.HistorySettings(), stage),
        lambda stage: formats.measure(formats.FormatsSettings(), stage),
        lambda stage: follow.measure(follow.FollowSettings(), stage),
        lambda stage: costs.measure(costs.CostsSettings(), stage),
        lambda stage: cores.measure(cores.CoresSettings(), stage),
    )
    for measure in measures:
        take(output, measure)


for command in (*COMMANDS, sizing_command, page_command):
    cli.add_command(command)


def main() -> NoReturn:
    """Run the command; print an error as one line, and exit with its code."""
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
