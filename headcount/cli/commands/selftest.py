"""`headcount selftest`: proves that the verifier finds what it must, and no more."""

import os
from pathlib import Path

import click
from click.core import ParameterSource

from headcount.cli.options.groups import OptionGroup, grouped_command, grouped_option
from headcount.cli.options.message_options import MessageOptions, with_message_options
from headcount.cli.options.output_options import with_quiet, with_reports_dir
from headcount.console import Console
from headcount.errors import UsageError
from headcount.gc_control import permanent_objects

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
    help="Attempts in the run that combines all faults.",
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
    help="Test every format (or only --format) with every place and form of ids.",
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

    Uses its own broker and topic. Exits with 0 if it reports every injected fault correctly
    and nothing else.
    """
    message_options.check(os.environ)
    only = _only_format(context, message_options) if every_place else None
    # Imported late because they load slowly: --help and a refused option do not need them.
    with permanent_objects():
        from headcount_analysis.selftest.rounds import Size  # noqa: PLC0415

        from headcount.cli.selftest_run import selftest_run  # noqa: PLC0415

    size = Size(events, faults or min(events // 50, MOST_FAULTS), seed)
    console = Console(quiet=quiet)
    return selftest_run(
        size, message_options, only=only, reports_dir=reports_dir, heap=spark_heap, console=console
    )


def _only_format(context: click.Context, options: MessageOptions) -> str:
    """Return --format, empty if not given. UsageError if another option narrows the rounds."""
    for name in ("id_form", "id_at", "id_header", "compare_at"):
        if _is_given(context, name):
            flag = "--" + name.replace("_", "-")
            raise UsageError(
                f"--every-place already tests every value of {flag}: leave one of the two options "
                "out"
            )
    return options.format_name if _is_given(context, "format_name") else ""


def _is_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE
