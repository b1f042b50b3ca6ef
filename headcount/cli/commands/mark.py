"""`headcount mark`: records what happened to a part during a run."""

import time
from pathlib import Path

import click
from pydantic import ValidationError

from headcount.cli.options.groups import OptionGroup, grouped_command, grouped_option
from headcount.cli.options.output_options import with_reports_dir
from headcount.cli.options.run_argument import find_run, with_run
from headcount.cli.options.types import Timestamp
from headcount.errors import UsageError
from headcount.run.marks import LONGEST_TEXT, Mark, append_mark

_EXAMPLES = """
\b
Examples:
  headcount mark 20261123-221530-k7qz "broker 2 killed"
  headcount mark RUN "deployed 1.4" --at 2026-11-23T22:16:02+00:00
"""


@grouped_command(epilog=_EXAMPLES)
@with_run
@click.argument("text")
@grouped_option(
    OptionGroup.OUTPUT,
    "--at",
    "at_ns",
    type=Timestamp(),
    show_default="now",
    help="When it happened, in ISO 8601.",
)
@with_reports_dir
def mark(*, run: Path, text: str, at_ns: int | None, reports_dir: Path) -> None:
    """Add TEXT to RUN as a timestamped note, such as "broker 2 killed".

    The report shows what followed.
    """
    folder = find_run(run, reports_dir)
    try:
        new_mark = Mark(time.time_ns() if at_ns is None else at_ns, text)
    except ValidationError:
        raise UsageError(
            f"TEXT must be one line of 1 to {LONGEST_TEXT} characters, and --at after 1970"
        ) from None
    try:
        append_mark(folder.marks_path, new_mark)
    except OSError as error:
        raise UsageError(f"cannot write {folder.marks_path}: {error.strerror}") from None
