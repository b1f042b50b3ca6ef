"""`headcount mark`: writes down what happened to a part while a run was under way."""

import time
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from headcount.cli.options.verify_options import found_run, with_reports_dir
from headcount.errors import UsageError
from headcount.run.marks import LONGEST_TEXT, Mark, append_mark

_EXAMPLES = """
\b
Examples:
  headcount mark 20261123-221530-k7qz "broker 2 killed"
  headcount mark RUN "deployed 1.4" --at 2026-11-23T22:16:02+00:00
"""


class _Moment(click.ParamType[int]):
    """A point in time in ISO 8601, as ns of Unix time."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it; one without an offset is in local time."""
        if isinstance(value, int):
            return value
        try:
            return int(datetime.fromisoformat(value).timestamp() * 1e6) * 1000
        except ValueError:
            self.fail(f"must be such as 2026-11-23T22:16:02+00:00, got {value!r}", param, ctx)


@click.command(epilog=_EXAMPLES, context_settings={"max_content_width": 100})
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("text")
@click.option("--at", "at_ns", type=_Moment(), help="When it happened.  [default: now]")
@with_reports_dir
def mark(*, run: Path, text: str, at_ns: int | None, reports_dir: Path) -> None:
    """Write down TEXT as what happens to RUN's parts now: its report shows what came of it."""
    folder = found_run(run, reports_dir)
    try:
        done = Mark(time.time_ns() if at_ns is None else at_ns, text)
    except ValidationError:
        raise UsageError(
            f"TEXT must be one line of 1 to {LONGEST_TEXT} characters, and --at after 1970"
        ) from None
    try:
        append_mark(folder.marks_path, done)
    except OSError as error:
        raise UsageError(f"cannot write {folder.marks_path}: {error.strerror}") from None
