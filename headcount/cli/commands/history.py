"""`headcount history`: all runs, each against its baseline, and where figures changed."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import click
from headcount_analysis.history import json_document, words
from headcount_analysis.history.baseline import BASELINE_RUNS, Assessment
from headcount_analysis.history.entry import SAMPLED
from headcount_analysis.history.history import (
    HistoryOverview,
    RunFilter,
    SelectedSeries,
    SortKey,
    history_of,
    selected,
)
from headcount_analysis.history.index import PastRuns, read_runs
from headcount_analysis.history.run_store import INDEX, store_at
from rich.table import Table
from rich.text import Text

from headcount.cli.options.groups import OptionGroup, grouped_command, grouped_option
from headcount.cli.options.output_options import (
    checked_location,
    with_json_document,
    with_links,
)
from headcount.cli.page_output import STDOUT, links_to, write_document
from headcount.console import Console
from headcount.errors import UsageError
from headcount.run.verdict import Label

_IN_TABLE, _ON_PAGE = 50, 2000
_LABELS = {label.words.replace(" ", "-"): label for label in Label}

_EPILOG = """
\b
Examples:
  headcount history                                       the latest runs, by scenario and target
  headcount history --scenario mixed.py --verdict fail    the failed runs of a scenario
  headcount history --last 30 --sort p99                  the last 30 runs, slowest first
  headcount history --search 'lost staging'               runs that mention both words
  headcount history --html history.html                   a page with trend lines
  headcount history --reports-dir s3://bucket/reports     runs in an object store
\b
Against the baseline:
  Each run is compared with the last passing runs before it, of the same scenario, target and load.
  WORSE   a count, such as that of lost events, has risen: never chance, however few the runs
  +12 %   a figure differs by more than the noise among the baseline runs
  A change point is the first run with a new level of a figure; its confidence says how
  certain it is that the change is more than chance.
"""


def _checked(context: click.Context, parameter: click.Parameter, location: str) -> str | None:
    """Check a URL; a folder is checked only when it is read, which saves slow imports here."""
    return checked_location(context, parameter, location) if "://" in location else location


@grouped_command("history", epilog=_EPILOG)
@grouped_option(
    OptionGroup.FILTER,
    "--scenario",
    default="",
    metavar="TEXT",
    help="Only runs whose scenario contains this text.",
)
@grouped_option(
    OptionGroup.FILTER,
    "--target",
    default="",
    metavar="TEXT",
    help="Only runs whose service address or topic contains this text.",
)
@grouped_option(
    OptionGroup.FILTER,
    "--verdict",
    "verdicts",
    type=click.Choice(list(_LABELS)),
    multiple=True,
    metavar="VERDICT",
    help="Only runs with this verdict, such as fail or threshold-broken; repeatable.",
)
@grouped_option(
    OptionGroup.FILTER,
    "--search",
    default="",
    metavar="WORDS",
    help="Only runs whose id, scenario, target, load, verdict or reasons contain every word.",
)
@grouped_option(
    OptionGroup.FILTER,
    "--last",
    type=click.IntRange(min=1),
    metavar="N",
    show_default=f"{_IN_TABLE} in the table, {_ON_PAGE} on a page",
    help="Only the latest N of these runs.",
)
@grouped_option(
    OptionGroup.JUDGING,
    "--baseline",
    "baseline_runs",
    type=click.IntRange(min=1),
    default=BASELINE_RUNS,
    show_default=True,
    metavar="N",
    help="Compare each run with up to N passing runs before it.",
)
@grouped_option(
    OptionGroup.OUTPUT,
    "--sort",
    type=click.Choice([key.value for key in SortKey]),
    default=SortKey.BEGAN.value,
    show_default=True,
    metavar="FIGURE",
    help="Sort the runs of each series by this figure, latest or worst first.",
)
@grouped_option(OptionGroup.OUTPUT, "--reverse", is_flag=True, help="Reverse the order.")
@grouped_option(
    OptionGroup.OUTPUT,
    "--html",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write an HTML page with trend lines; - for stdout.",
)
@with_links
@with_json_document
@grouped_option(
    OptionGroup.OUTPUT,
    "--reports-dir",
    "location",
    metavar="PLACE",
    default="reports",
    envvar="HEADCOUNT_REPORTS_DIR",
    show_envvar=True,
    show_default=True,
    callback=_checked,
    help="Folder or URL with one folder for each run.",
)
def history(
    *,
    scenario: str,
    target: str,
    verdicts: tuple[str, ...],
    search: str,
    last: int | None,
    baseline_runs: int,
    sort: str,
    reverse: bool,
    html: Path | None,
    links: str,
    as_json: bool,
    location: str,
) -> int:
    """Show all verified runs: verdict, rate, p99 and losses, by scenario and target.

    Reads each run's verdict once, and caches it in an index next to the runs.
    """
    if as_json and html == STDOUT:
        raise UsageError("only one of --json and --html - can go to stdout")
    console = Console()
    past = _read(location)
    runs = history_of(past, baseline_runs)
    labels = frozenset(_LABELS[name] for name in verdicts)
    is_table = not as_json and html is None
    run_filter = RunFilter(scenario, target, labels, search)
    chosen = selected(
        runs,
        run_filter,
        last=last or (_IN_TABLE if is_table else None if as_json else _ON_PAGE),
        by=SortKey(sort),
        is_reversed=reverse,
    )
    for line in _remarks(past):
        console.remark(line)
    if html is not None:
        _write_page(runs, chosen, html, links or links_to(location, html), console)
    if as_json:
        console.document(json_document.dump(runs, chosen))
    elif is_table:
        _show(chosen, console)
        console.result(_counted(runs, run_filter, chosen))
    return 0


def _read(location: str) -> PastRuns:
    try:
        return read_runs(store_at(location))
    except OSError as error:
        raise UsageError(
            f"--reports-dir {location} cannot be read: {error.strerror or error}"
        ) from None


def _remarks(past: PastRuns) -> Iterator[str]:
    if past.not_judged:
        yield f"{len(past.not_judged):,} not judged yet: {_some(past.not_judged)}"
    for run_id, problem in past.unreadable.items():
        yield f"Skipped {run_id}: {problem}"
    if past.why_no_index:
        yield f"Cannot write {INDEX}, so every call reads all verdicts again: {past.why_no_index}"


def _some(names: tuple[str, ...], most: int = 3) -> str:
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")


def _write_page(
    runs: HistoryOverview,
    chosen: tuple[SelectedSeries, ...],
    html: Path,
    links: str,
    console: Console,
) -> None:
    from headcount_analysis.history import page  # noqa: PLC0415 - only a page needs templates

    write_document(page.render(runs, chosen, links), html, console)
    if html != STDOUT:
        console.result(f"Written: {html}")


def _show(chosen: Iterable[SelectedSeries], console: Console) -> None:
    """Print the selected runs for a terminal, series by series."""
    for selection in chosen:
        console.result(Text(words.heading(selection.series), "bold"))
        for sentence in words.sentences(selection.series):
            style = "bold red" if sentence.is_worse else ""
            console.result(Text(f"  {sentence.text}", style))
        console.result(_table(selection.shown))
        console.result("")


def _counted(runs: HistoryOverview, run_filter: RunFilter, chosen: Iterable[SelectedSeries]) -> str:
    """Say how many runs are shown, and how to see those that --last left out."""
    total, shown = len(runs.runs), sum(len(selection.shown) for selection in chosen)
    if not total:
        return "No verified runs yet; start one with headcount run"
    matching = sum(run_filter.selects(run.entry) for run in runs.runs)
    remedy = f"; --last {matching} shows all {matching:,} matching runs" if shown < matching else ""
    return f"{shown:,} of {total:,} runs{remedy}"


def _table(runs: Iterable[Assessment]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("began (UTC)", "run", "verdict"):
        table.add_column(name, no_wrap=True)
    for name in (*words.TITLES.values(), "lost", "other defects"):
        table.add_column(name, justify="right")
    table.add_column("against the baseline")
    for run in runs:
        table.add_row(*_cells(run))
    return table


def _cells(run: Assessment) -> Iterator[Text]:
    entry = run.entry
    yield Text(words.began_text(entry))
    yield Text(entry.run_id)
    yield Text(entry.label.value, f"bold {entry.label.colour}")
    yield from (Text(words.sampled_text(entry, metric)) for metric in SAMPLED)
    yield Text(words.count_text(entry, "lost"), "bold red" if entry.counts.get("lost") else "")
    yield Text(words.other_defects(entry))
    yield Text(words.against_baseline(run), "bold red" if run.worse else "")
