"""A run of the self-test: starts a broker and Spark, carries out the rounds, and prints them."""

import contextlib
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from headcount_analysis.selftest.combinations import combinations
from headcount_analysis.selftest.matrix import Matrix
from headcount_analysis.selftest.message_writer import MessageStyle
from headcount_analysis.selftest.rounds import Round, RoundContext, Size, mixed_round, rounds
from headcount_analysis.spark.config import SessionConfig, suited_to
from headcount_analysis.spark.session import open_session
from rich.table import Table
from rich.text import Text

from headcount.cli.local_stack import BROKER_DATA, start_broker
from headcount.cli.options.message_options import MessageOptions
from headcount.cli.options.output_options import made_folder
from headcount.cli.platform import Platform, platform
from headcount.cli.verifying.spark_config import class_data
from headcount.console import Console
from headcount.kafka.topic import ensure_topic

TOPIC = "events"
WRONG_CODE = 1


def selftest_run(
    size: Size,
    options: MessageOptions,
    *,
    only: str | None,
    reports_dir: Path,
    heap: str,
    console: Console,
) -> int:
    """Carry out and print the rounds; return 0 if the verifier was right, otherwise WRONG_CODE.

    If `only` is None, the rounds use the style of `options`. Otherwise there is a round for each
    combination of format, id place and id form: of the format `only`, or of all formats if it is
    empty.

    Raises:
        UsageError: The self-test cannot write that format, or the folder cannot be made.
        PartError: The broker or Spark cannot start.
    """
    styles = _styles(options, only)
    folder = made_folder(reports_dir, "selftest")
    ready = platform(dict(os.environ), console)
    with contextlib.ExitStack() as stack:
        stage = _stage(stack, ready, folder, heap, suited_to(size.events))
        with console.step("Testing the verifier") as step:
            if only is None:
                done = list(rounds(stage, size, styles[0], step.update))
            else:
                done = _every_place(stage, size, styles, step.update)
    _show(done, console)
    if all(one_round.is_right for one_round in done):
        shutil.rmtree(folder)
        return 0
    console.result(f"Kept the runs in {folder}")
    return WRONG_CODE


def _styles(options: MessageOptions, only: str | None) -> tuple[MessageStyle, ...]:
    if only is None:
        return (MessageStyle(options.id_settings, options.format_settings),)
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
    total: Matrix = sum((one_round.matrix for one_round in done), start=Matrix({}))
    console.result(_matrix(total))
    for one_round in done:
        for problem in (*one_round.matrix.samples, *one_round.problems):
            console.result(f"  - {one_round.name}: {problem}")
    right = all(one_round.is_right for one_round in done)
    verdict = "every injected fault was reported correctly, and nothing else was reported"
    text = f"Self-test: {verdict if right else 'the verifier is wrong; please report it'}"
    console.result(Text(text, "bold green" if right else "bold red"))


def _summary(done: list[Round]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("injected")
    for name in ("faults", "attempts and messages", "reported wrongly"):
        table.add_column(name, justify="right")
    for one_round in done:
        cells = one_round.matrix.cells
        wrong = sum(count for (fault, reported), count in cells.items() if fault != reported)
        table.add_row(
            one_round.name, f"{one_round.injected:,}", f"{sum(cells.values()):,}", f"{wrong:,}"
        )
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
