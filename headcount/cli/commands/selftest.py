"""`headcount selftest`: proves that the verifier finds what it must, and no more."""

import contextlib
import os
import shutil
from pathlib import Path

import click
from headcount_analysis.selftest.matrix import Matrix
from headcount_analysis.selftest.rounds import Round, RoundContext, rounds
from headcount_analysis.spark.config import SessionConfig, suited_to
from headcount_analysis.spark.session import open_session
from rich.table import Table
from rich.text import Text

from headcount.cli.local_stack import BROKER_DATA, start_broker
from headcount.cli.options.groups import OptionGroup, grouped_command, grouped_option
from headcount.cli.options.output_options import with_quiet, with_reports_dir
from headcount.cli.platform import Platform, platform
from headcount.cli.verifying.spark_config import class_data
from headcount.console import Console
from headcount.errors import UsageError
from headcount.kafka.topic import ensure_topic
from headcount.run.ids import new_run_id

TOPIC = "events"
WRONG = 1
MOST_FAULTS = 2000

_EXAMPLES = """
\b
Examples:
  headcount selftest                      each fault alone, then all in 20,000 events
  headcount selftest --events 5000000     as large as a long test
  headcount selftest --seed 7 --faults 5000
"""


@grouped_command(epilog=_EXAMPLES)
@grouped_option(
    OptionGroup.LOAD,
    "--events",
    type=click.IntRange(min=100),
    default=20_000,
    show_default=True,
    metavar="N",
    help="Attempts of the run that has all faults at once.",
)
@grouped_option(
    OptionGroup.LOAD,
    "--faults",
    type=click.IntRange(min=1),
    metavar="N",
    show_default="one in fifty, at most 2,000",
    help="Number of attempts that get a fault.",
)
@grouped_option(
    OptionGroup.LOAD,
    "--seed",
    type=int,
    default=1,
    show_default=True,
    metavar="N",
    help="Seed that decides which attempts get a fault.",
)
@grouped_option(
    OptionGroup.JUDGING,
    "--spark-heap",
    default="2g",
    show_default=True,
    metavar="SIZE",
    help="Heap of Spark's driver.",
)
@with_reports_dir
@with_quiet
def selftest(
    *,
    events: int,
    faults: int | None,
    seed: int,
    spark_heap: str,
    reports_dir: Path,
    quiet: bool,
) -> int:
    """Inject known faults into generated runs, verify the runs, and compare the results.

    Uses a broker and a topic of its own. Exits with 0 if every injected fault was
    reported correctly, and nothing else was reported.
    """
    folder = _folder(reports_dir)
    ready = platform(dict(os.environ), Console(quiet=quiet))
    with contextlib.ExitStack() as stack:
        context = _context(stack, ready, folder, spark_heap, suited_to(events))
        with ready.console.step("Testing the verifier") as step:
            count = faults or min(events // 50, MOST_FAULTS)
            done = list(rounds(context, events, count, seed, step.update))
    _show(done, ready.console)
    if all(each.is_right for each in done):
        shutil.rmtree(folder)
        return 0
    ready.console.result(f"The runs are kept in {folder}")
    return WRONG


def _folder(reports_dir: Path) -> Path:
    folder = reports_dir.absolute() / f"selftest-{new_run_id()}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise UsageError(f"cannot make {folder}: {error.strerror}; choose --reports-dir") from None
    return folder


def _context(
    stack: contextlib.ExitStack,
    ready: Platform,
    folder: Path,
    heap: str,
    java_options: tuple[str, ...],
) -> RoundContext:
    broker = stack.enter_context(start_broker(ready, folder / BROKER_DATA))
    ensure_topic(broker.cluster, TOPIC, partitions=4)
    log = folder / "spark.log"
    config = SessionConfig(
        ready.java.home,
        ready.connector_jars,
        log,
        heap=heap,
        java_options=java_options,
        class_data=class_data(ready, ready.connector_jars),
    )
    with ready.console.step("Starting Spark"):
        spark = stack.enter_context(open_session(config))
    return RoundContext(folder, spark, broker.cluster, TOPIC)


def _show(done: list[Round], console: Console) -> None:
    console.result(_summary(done))
    total = sum((each.matrix for each in done), start=Matrix({}))
    console.result(_matrix(total))
    for each in done:
        for problem in (*each.matrix.samples, *each.problems):
            console.result(f"  - {each.name}: {problem}")
    right = all(each.is_right for each in done)
    verdict = "every injected fault was reported correctly, and nothing else was reported"
    text = f"Self-test: {verdict if right else 'the verifier is wrong; please report it'}"
    console.result(Text(text, "bold green" if right else "bold red"))


def _summary(done: list[Round]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("injected")
    for name in ("faults", "attempts and messages", "off the diagonal"):
        table.add_column(name, justify="right")
    for each in done:
        cells = each.matrix.cells
        wrong = sum(count for (fault, reported), count in cells.items() if fault != reported)
        table.add_row(each.name, f"{each.injected:,}", f"{sum(cells.values()):,}", f"{wrong:,}")
    return table


def _matrix(matrix: Matrix) -> Table:
    """Show the confusion matrix: a row for what was injected, a column for what was reported."""
    labels = matrix.labels
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    table.title = "injected (rows), reported (columns)"
    table.add_column("")
    for number in range(1, len(labels) + 1):
        table.add_column(str(number), justify="right")
    for number, injected in enumerate(labels, start=1):
        counts = [matrix.cells.get((injected, reported), 0) for reported in labels]
        table.add_row(f"{number} {injected}", *(f"{count:,}" if count else "." for count in counts))
    return table
