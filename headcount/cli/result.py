"""Prints a report: counts, what was found, where the report is, and last the verdict."""

import os
from collections.abc import Iterator

from headcount_analysis.classes_and_flags import Counts
from headcount_analysis.report.model import Report
from rich.table import Table
from rich.text import Text

from headcount.cli.next_command import next_command
from headcount.compose import shown_path
from headcount.console import Console
from headcount.ledger.event_types import TOTAL
from headcount.run.folder import RunFolder
from headcount.run.verdict import Result, against, tally_of

_STYLES = {Result.BROKEN: "bold red", Result.UNPROVEN: "bold yellow"}
_ALWAYS = "attempted"


def show(
    report: Report,
    folder: RunFolder,
    console: Console,
    *,
    as_json: bool = False,
    has_read_on: bool = False,
) -> None:
    """Print the result on stdout; `has_read_on`: messages after the run's end were counted, too."""
    if as_json:
        console.result((folder.path / "verdict.json").read_text("utf-8").rstrip())
        return
    if report.counts is not None:
        console.result(_table(report, report.counts))
    for line, style in _lines(report):
        console.paragraph(line, style)
    console.paragraph(f"Report: {shown_path(folder.path / 'report.html', os.environ)}")
    label = report.label
    console.paragraph(f"Verdict: {label.value}. {report.meaning}", f"bold {label.colour}")
    command = next_command(report, folder, has_read_on=has_read_on)
    console.paragraph(f"Next: {command}", "bold")


def _lines(report: Report) -> Iterator[tuple[str, str]]:
    """Yield what was found, each line with its style."""
    if report.state.is_relevant:
        yield f"State: {report.state}", ""
    if report.thresholds:
        yield f"Rate: {report.rates}", ""
    for threshold in report.thresholds:
        yield f"Threshold {threshold.result}: {threshold}", _STYLES.get(threshold.result, "")
    yield f"Checks: {tally_of(report.checks)}", ""
    listed_above = {result.threshold.text for result in report.thresholds}
    for check in against(report.checks):
        if check.name not in listed_above:
            yield f"  - {check}", ""
    yield from ((f"  differs: {sentence}", "") for sentence in report.differences.sentences)
    yield from ((f"  pattern: {pattern}", "") for pattern in report.patterns)
    yield from ((f"  note: {note}", "") for note in report.notes)


def _table(report: Report, total: Counts) -> Table:
    """Make a row per event type and a total, without columns of zeros."""
    rows = {**dict(sorted(report.by_event_type.items())), TOTAL: total}
    columns = [key for key, count in total.as_dict().items() if count or key == _ALWAYS]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("event type")
    for column in columns:
        table.add_column(column, justify="right")
    for name, counts in rows.items():
        by_column = counts.as_dict()
        style = "bold" if name == TOTAL else ""
        table.add_row(Text(name), *(f"{by_column[column]:,}" for column in columns), style=style)
    return table
