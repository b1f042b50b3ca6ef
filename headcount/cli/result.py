"""Prints a report: the summary table, the verdict with its reasons, and the path."""

from collections.abc import Iterator

from headcount_analysis.classes_and_flags import Counts
from headcount_analysis.report.model import Report
from rich.table import Table
from rich.text import Text

from headcount.console import Console
from headcount.ledger.event_types import TOTAL
from headcount.run.folder import RunFolder
from headcount.run.verdict import Result, against, tally_of

_STYLES = {Result.BROKEN: "bold red", Result.UNPROVEN: "bold yellow"}
_ALWAYS = ("attempted", "acked", "delivered", "lost", "duplicated")


def show(report: Report, folder: RunFolder, console: Console, *, as_json: bool = False) -> None:
    """Print the result on stdout."""
    if as_json:
        console.result((folder.path / "verdict.json").read_text("utf-8").rstrip())
        return
    if report.counts is not None:
        console.result(_table(report, report.counts))
    label = report.label
    console.result(Text(f"Verdict: {label.words}", f"bold {label.colour}"))
    if report.state.is_relevant:
        console.result(f"State: {report.state}")
    if report.thresholds:
        console.result(f"Rate: {report.rates}")
    for each in report.thresholds:
        console.result(Text(f"Threshold {each.result}: {each}", _STYLES.get(each.result, "")))
    console.result(f"Checks: {tally_of(report.checks)}")
    listed_above = {each.threshold.text for each in report.thresholds}
    for check in against(report.checks):
        if check.name not in listed_above:
            console.result(f"  - {check}")
    for line in _details(report):
        console.result(f"  {line}")
    console.result(f"Report: {folder.path / 'report.html'}")


def _details(report: Report) -> Iterator[str]:
    yield from (f"differs: {sentence}" for sentence in report.differences.sentences)
    yield from (f"pattern: {pattern}" for pattern in report.patterns)
    yield from (f"note: {note}" for note in report.notes)


def _table(report: Report, total: Counts) -> Table:
    """Make a row per event type and a total; a column of zeros is left out unless in _ALWAYS."""
    rows = {**dict(sorted(report.by_event_type.items())), TOTAL: total}
    columns = [key for key, count in total.as_dict().items() if count or key in _ALWAYS]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("event type")
    for column in columns:
        table.add_column(column, justify="right")
    for name, counts in rows.items():
        by_column = counts.as_dict()
        style = "bold" if name == TOTAL else ""
        table.add_row(Text(name), *(str(by_column[column]) for column in columns), style=style)
    return table
