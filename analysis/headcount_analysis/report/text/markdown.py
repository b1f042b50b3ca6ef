"""The verdict in Markdown, for a pull request or a CI job's page: short, without links."""

from collections.abc import Iterator

from headcount.ledger.event_types import TOTAL
from headcount.run.address import without_secrets
from headcount.run.verdict import Result, tally_of
from headcount.thresholds.percentiles import percentile_name
from headcount_analysis.judge import watched
from headcount_analysis.measure.histogram import WHOLE
from headcount_analysis.report import csv_tables
from headcount_analysis.report.count_sentences import counted_exceptions, sum_of_classes
from headcount_analysis.report.model import Report
from headcount_analysis.report.shown_exceptions import Exceptions
from headcount_analysis.report.text.markdown_text import code as _code
from headcount_analysis.report.text.markdown_text import table as _table
from headcount_analysis.report.text.markdown_text import text as _text

_LABEL_MARKS = {"green": "✅", "red": "❌", "yellow": "⚠️"}
_MARKS = {
    Result.KEPT: "✅",
    Result.BROKEN: "❌",
    Result.UNPROVEN: "⚠️",
    Result.NOT_TRIED: "⚪",
}
_ALWAYS = ("attempted", "acked", "delivered", "lost", "duplicated")
_SHOWN_REASONS = 10


def render(report: Report, exceptions: Exceptions) -> str:
    """Return the document as Markdown."""
    return "\n".join(_lines(report, exceptions)) + "\n"


def _lines(report: Report, exceptions: Exceptions) -> Iterator[str]:
    mark = _LABEL_MARKS[report.label.colour]
    yield f"## {mark} {report.label.value}: run {_text(report.run_id)}"
    yield ""
    yield f"**{_text(sum_of_classes(report.counts))}**"
    yield ""
    yield f"Delivery promise: {_text(report.manifest.promise or 'not stated')}"
    items = [f"- {_text(reason)}" for reason in report.reasons[:_SHOWN_REASONS]]
    if report.state.is_relevant:
        items.append(f"- State: {_text(str(report.state))}")
    items += [f"- {_text(note)}" for note in report.first_notes]
    if items:
        yield from ("", *items)
    if report.differences.sentences:
        yield from ("", "Fields that differ in corrupted events:", "")
        yield from (f"- {_text(sentence)}" for sentence in report.differences.sentences)
    yield from _thresholds(report)
    yield from _checks(report)
    yield from _counts(report)
    if exceptions.count:
        yield ""
        yield _text(counted_exceptions(exceptions))
    yield from _latencies(report)
    manifest = report.manifest
    host = without_secrets(manifest.host)
    yield ""
    yield f"{_text(manifest.scenario)} on {_text(host)}, {report.verified_at}"
    if how_long := watched(report.end):
        yield ""
        yield _text(f"The topic was {how_long}.")
    yield ""
    made_with = (f"{name} {version}" for name, version in report.versions.items())
    yield _text(f"seed {manifest.options.get('seed', 'not stated')}; {', '.join(made_with)}")


def _thresholds(report: Report) -> Iterator[str]:
    rows = [
        (_MARKS[result.result], _code(result.threshold.text), result.shown)
        for result in report.thresholds
    ]
    if rows:
        yield from _table(("", "threshold", "measured"), rows)


def _checks(report: Report) -> Iterator[str]:
    """List all checks, collapsed: the reasons above already name those that matter."""
    yield from ("", f"<details><summary>Checks: {tally_of(report.checks)}</summary>", "")
    for check in report.checks:
        name = f"{_MARKS[check.result]} **{_text(check.name)}** {check.result}"
        yield f"- {name}: {_text(str(check))}"
    yield from ("", "</details>")


def _counts(report: Report) -> Iterator[str]:
    frame = csv_tables.summary(report)
    if frame.empty:
        return
    shown = [key for key in frame.columns[1:] if key in _ALWAYS or frame[key].any()]
    rows = [
        (_text(str(row["event_type"])), *(f"{row[key]:,}" for key in shown))
        for row in frame.to_dict("records")
    ]
    yield from _table(("event type", *shown), rows)


def _latencies(report: Report) -> Iterator[str]:
    of_all = [
        latency
        for latency in report.latencies
        if latency.event_type == TOTAL and latency.measure in WHOLE
    ]
    if not of_all:
        return
    names = [percentile_name(quantile) for quantile in of_all[0].percentiles]
    rows = [
        (latency.measure.words, *(f"{ms:,.1f}" for ms in latency.percentiles.values()))
        for latency in of_all
    ]
    yield from ("", f"Rate of the run: {report.rates}")
    yield from _table(("latency, ms", *names), rows)
