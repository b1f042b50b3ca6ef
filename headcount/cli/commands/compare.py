"""`headcount compare`: compares runs."""

from collections.abc import Iterable
from pathlib import Path

import click
from headcount_analysis.compare_runs import json_document, markdown, words
from headcount_analysis.compare_runs.change import ChangeLabel
from headcount_analysis.compare_runs.limits import Limit, LimitState, parse_all
from headcount_analysis.compare_runs.model import RunComparison, Versus, compare
from headcount_analysis.compare_runs.runs import read_run, sides_of
from rich.table import Table
from rich.text import Text

from headcount.cli.options.groups import OptionGroup, grouped_command, grouped_option
from headcount.cli.options.output_options import (
    with_json_document,
    with_links,
    with_reports_dir,
)
from headcount.cli.options.run_argument import complete_runs, find_run
from headcount.cli.page_output import STDOUT, links_to, write_document
from headcount.console import Console
from headcount.errors import UsageError
from headcount.run.folder import RunFolder
from headcount.thresholds.metric_text import MetricError

_STYLES = {
    ChangeLabel.WORSE: "bold red",
    ChangeLabel.BETTER: "bold green",
    ChangeLabel.SLOWER: "bold red",
    ChangeLabel.FASTER: "bold green",
    ChangeLabel.MORE: "bold",
    ChangeLabel.FEWER: "bold",
    ChangeLabel.SAME: "dim",
    ChangeLabel.NOISE: "dim",
}
_STATE_STYLES = {
    LimitState.KEPT: "green",
    LimitState.BROKEN: "bold red",
    LimitState.UNKNOWN: "bold yellow",
}

_EPILOG = """
\b
Examples:
  headcount compare BEFORE AFTER                          two runs, side by side
  headcount compare A1,A2,A3 B1,B2,B3                     repeated runs: separates change from noise
  headcount compare A1,A2,A3 B1,B2,B3 --limit 'http.p99 +10%' --limit 'lost +0'
  headcount compare A1,A2,A3 B1,B2,B3 C1,C2,C3 --html compare.html
\b
Results of a limit:
  broken       the change is beyond the limit, and the 95 % confidence interval does not contain
               zero; or the metric was not measured
  kept         the whole interval is within the limit, or every run has the same figure
  cannot tell  the interval does not decide the limit: more or longer runs are needed
  Classes (lost, duplicated, ghost, phantom, corrupted, garbled, reordered, late, misplaced,
  malformed) are counted, not sampled: a change is never chance, however few runs there are.
  For any other metric, one run per side cannot decide a limit, unless --allow-single-run is set.
\b
Exit codes:
  0  every limit is kept, or none is set
  2  an option is invalid, a run cannot be compared, or the runs are not comparable
  3  a limit could not be decided, or a run's file is damaged
  4  a limit is broken
"""


def _limits(
    _context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]
) -> tuple[Limit, ...]:
    try:
        return parse_all(texts)
    except MetricError as error:
        raise click.BadParameter(str(error)) from None


@grouped_command("compare", epilog=_EPILOG)
@click.argument("base", shell_complete=complete_runs)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, shell_complete=complete_runs)
@grouped_option(
    OptionGroup.JUDGING,
    "--limit",
    "limits",
    multiple=True,
    metavar="TEXT",
    callback=_limits,
    help="Largest allowed change from BASE, such as 'http.p99 +10%' or 'lost +0'; repeatable.",
)
@grouped_option(
    OptionGroup.JUDGING,
    "--allow-single-run",
    is_flag=True,
    help="If each side is a single run, judge limits by the measured change alone.",
)
@grouped_option(
    OptionGroup.JUDGING,
    "--anyway",
    is_flag=True,
    help="Compare the runs even if they are not comparable, with a warning above the result.",
)
@grouped_option(
    OptionGroup.OUTPUT,
    "--html",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write an HTML page; - for stdout.",
)
@with_links
@grouped_option(
    OptionGroup.OUTPUT,
    "--markdown",
    "markdown_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a Markdown summary; - for stdout.",
)
@with_json_document
@with_reports_dir
def compare_runs(
    *,
    base: str,
    runs: tuple[str, ...],
    limits: tuple[Limit, ...],
    allow_single_run: bool,
    anyway: bool,
    html: Path | None,
    links: str,
    markdown_file: Path | None,
    as_json: bool,
    reports_dir: Path,
) -> int:
    """Compare each RUN with BASE: what changed, what is noise, and what cannot be decided.

    BASE and RUN are verified runs, named by folder or id. Separate repeated runs with commas.
    """
    if [html, markdown_file, STDOUT if as_json else None].count(STDOUT) > 1:
        raise UsageError("only one of --json, --html - and --markdown - can go to stdout")
    folders = [_folders(names, reports_dir) for names in (base, *runs)]
    sides = sides_of([read_run(folder) for folder in side] for side in folders)
    comparison = compare(sides, limits, anyway=anyway, allow_single_run=allow_single_run)
    console = Console()
    if html is not None:
        # The chart libraries take a second to load, and only a page needs them.
        from headcount_analysis.compare_runs import page  # noqa: PLC0415

        write_document(page.render(comparison, links or _links(folders, html)), html, console)
    if markdown_file is not None:
        write_document(markdown.render(comparison), markdown_file, console)
    if as_json:
        console.document(json_document.dump(comparison))
    elif STDOUT not in {html, markdown_file}:
        _show(comparison, console)
        for path in filter(None, (html, markdown_file)):
            console.result(f"Written: {path}")
    return comparison.exit_code


def _folders(names: str, reports_dir: Path) -> list[RunFolder]:
    return [find_run(Path(name), reports_dir) for name in names.split(",")]


def _links(folders: Iterable[Iterable[RunFolder]], html: Path) -> str:
    """Return the path by which links on the page reach the folder of the runs; empty if unknown."""
    if html == STDOUT:
        return ""
    parents = {folder.path.parent for side in folders for folder in side}
    return links_to(str(parents.pop()), html) if len(parents) == 1 else ""


def _show(comparison: RunComparison, console: Console) -> None:
    """Print the result for a terminal."""
    if any(words.worse_of(comparison, versus) for versus in comparison.others):
        console.result(Text(words.headline(comparison), "bold red"))
    for side in comparison.sides:
        console.result(f"{side.name}: {', '.join(run.run_id for run in side.runs)}")
    _list(console, "Not comparable, but compared anyway:", comparison.differences.obstacles)
    for versus in comparison.others:
        console.result("")
        console.result(_table(versus))
        _list(console, f"{versus.side.name} against base:", words.sentences(comparison, versus))
    _list(console, "Other differences:", comparison.differences.shown)
    for judged in comparison.limits:
        side_name = f" ({judged.side})" if len(comparison.others) > 1 else ""
        line = f"Limit {judged.state}{side_name}: {judged.limit.text}: {words.limit(judged)}"
        console.result(Text(line, _STATE_STYLES[judged.state]))


def _list(console: Console, title: str, lines: Iterable[str]) -> None:
    items = list(lines)
    if items:
        console.result(title)
    for item in items:
        console.result(f"  - {item}")


def _table(versus: Versus) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("metric")
    for name in words.HEADER:
        table.add_column(name, justify="left" if name == words.HEADER[-1] else "right")
    for change in words.rows(versus):
        *figures, label = words.cells(change)
        shown = (*map(Text, figures), Text(label, _STYLES.get(change.label, "")))
        table.add_row(Text(str(change.metric)), *shown)
    return table
