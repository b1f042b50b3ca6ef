"""`headcount selftest`: proves that the verifier finds what it must, and no more."""

import contextlib
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import click
from click.core import ParameterSource
from headcount_analysis.selftest.combinations import combinations
from headcount_analysis.selftest.matrix import Matrix
from headcount_analysis.selftest.message_writer import MessageStyle
from headcount_analysis.selftest.rounds import Round, RoundContext, Size, mixed_round, rounds
from headcount_analysis.spark.config import SessionConfig, suited_to
from headcount_analysis.spark.session import open_session
from rich.table import Table
from rich.text import Text

from headcount.cli.local_stack import BROKER_DATA, start_broker
from headcount.cli.options.groups import OptionGroup, grouped_command, grouped_option
from headcount.cli.options.message_options import MessageOptions, with_message_options
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
  headcount selftest --id-form uuid --id-at key --format debezium
  headcount selftest --every-place        each format, place and form of ids
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
@grouped_option(
    OptionGroup.MESSAGES,
    "--every-place",
    is_flag=True,
    help="All faults at once for each format, or that of --format, each place and form of ids.",
)
@with_message_options
@with_reports_dir
@with_quiet
@click.pass_context
def selftest(
    context: click.Context,
    *,
    events: int,
    faults: int | None,
    seed: int,
    spark_heap: str,
    every_place: bool,
    message_options: MessageOptions,
    reports_dir: Path,
    quiet: bool,
) -> int:
    """Inject known faults into generated runs, verify the runs, and compare the results.

    Uses a broker and a topic of its own. Exits with 0 if every injected fault was
    reported correctly, and nothing else was reported.
    """
    size = Size(events, faults or min(events // 50, MOST_FAULTS), seed)
    message_options.check(os.environ)
    styles = _styles(context, message_options) if every_place else ()
    folder = _folder(reports_dir)
    ready = platform(dict(os.environ), Console(quiet=quiet))
    with contextlib.ExitStack() as stack:
        stage = _stage(stack, ready, folder, spark_heap, suited_to(events))
        with ready.console.step("Testing the verifier") as step:
            if every_place:
                done = _every_place(stage, size, styles, step.update)
            else:
                style = MessageStyle(message_options.id_settings, message_options.format_settings)
                done = list(rounds(stage, size, style, step.update))
    _show(done, ready.console)
    if all(each.is_right for each in done):
        shutil.rmtree(folder)
        return 0
    ready.console.result(f"The runs are kept in {folder}")
    return WRONG


def _styles(context: click.Context, options: MessageOptions) -> tuple[MessageStyle, ...]:
    """Choose the combinations. UsageError if an option says otherwise."""
    for name in ("id_form", "id_at", "id_header", "compare_at"):
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            flag = "--" + name.replace("_", "-")
            raise UsageError(f"--every-place goes through all of {flag}: leave one of them out")
    is_chosen = context.get_parameter_source("format_name") is ParameterSource.COMMANDLINE
    only = options.format_name if is_chosen else ""
    return tuple(combinations(options.format_settings.schema_registry, only))


def _every_place(
    stage: RoundContext, size: Size, styles: Sequence[MessageStyle], update: Callable[[str], None]
) -> list[Round]:
    done = []
    for number, style in enumerate(styles, start=1):
        place = f"{style.format.name} {style.format.compare_at}".strip()
        name = f"{number} {place}, {style.ids.location}, {style.ids.form}"
        update(f"{name} ({len(styles)} in all)")
        done.append(mixed_round(stage, size, style, name, lambda _: None))
    return done


def _folder(reports_dir: Path) -> Path:
    folder = reports_dir.absolute() / f"selftest-{new_run_id()}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise UsageError(f"cannot make {folder}: {error.strerror}; choose --reports-dir") from None
    return folder


def _stage(
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
    total: Matrix = sum((each.matrix for each in done), start=Matrix({}))
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
