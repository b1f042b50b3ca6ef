"""Writes a run's report: a JSON document and tables for programs, and a page for people."""

from headcount.files import write_atomically
from headcount.run.folder import RunFolder
from headcount_analysis.report import csv_tables, exceptions_csv, verdict_document
from headcount_analysis.report.html import page
from headcount_analysis.report.model import Report
from headcount_analysis.report.text import junit, markdown


def write(report: Report, folder: RunFolder) -> None:
    """Write verdict.json, the page report.html, junit.xml, summary.md, and tables as CSV.

    summary.csv, exceptions.csv, latency.csv, percentiles.csv and over_time.csv are always written.
    If state was compared, so are state.csv, state_events.csv and a table for each part of the
    game's economy; otherwise those of an earlier verification are removed. verdict.json is written
    last: if it exists, all other files belong to the same verification. Raises OSError.
    """
    path = folder.path
    (path / "verdict.json").unlink(missing_ok=True)
    table = report.differences.table
    exceptional = exceptions_csv.write(report.fates, path / "exceptions.csv", table)
    write_atomically(path / "summary.csv", csv_tables.csv(csv_tables.summary(report)))
    write_atomically(path / "latency.csv", csv_tables.csv(csv_tables.latency(report)))
    write_atomically(path / "percentiles.csv", csv_tables.csv(csv_tables.percentiles(report)))
    write_atomically(path / "over_time.csv", csv_tables.csv(csv_tables.over_time(report)))
    for name, frame in csv_tables.of_state(report).items():
        if frame is None:
            (path / name).unlink(missing_ok=True)
        else:
            write_atomically(path / name, csv_tables.csv(frame))
    write_atomically(path / "junit.xml", junit.dump(report))
    write_atomically(path / "summary.md", markdown.render(report, exceptional))
    write_atomically(path / "report.html", page.render(report, exceptional))
    write_atomically(path / "verdict.json", verdict_document.dump(report))
