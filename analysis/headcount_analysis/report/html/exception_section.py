"""The section of exceptions: patterns, losses by partition and process, errors, and the table."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from headcount_analysis.causes.exception_patterns import Pattern
from headcount_analysis.causes.losses import LossGroup
from headcount_analysis.causes.percent import percent
from headcount_analysis.causes.unacknowledged import UnacknowledgedGroup
from headcount_analysis.report.count_sentences import selected_exceptions
from headcount_analysis.report.csv_tables import iso_time
from headcount_analysis.report.exception_kinds import WORST_FIRST
from headcount_analysis.report.html.exception_links import link, pattern_link
from headcount_analysis.report.html.exception_steps import clock, status_text
from headcount_analysis.report.html.exception_table import ExceptionTable, exception_table, short
from headcount_analysis.report.model import Report
from headcount_analysis.report.shown_exceptions import Exceptions

SHOWN_GROUPS = 20
SHOWN_ERRORS = 50
SHOWN_TYPES = 3

_TO_THE_SECOND = len("11:50:44")


@dataclass(frozen=True, slots=True)
class ClassLink:
    """The count of a class or flag in words, and the link to its rows."""

    name: str
    text: str
    href: str


@dataclass(frozen=True, slots=True)
class LossRow:
    """The losses of a partition or process, and the link to their rows."""

    key: str
    href: str
    lost: str
    acked: str
    share: str
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class LossTable:
    """The losses by partition or by process; `others` is the number of groups not shown."""

    noun: str
    rows: tuple[LossRow, ...]
    others: int


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """The requests with the same response, other than an acknowledgement.

    `classes` say what became of them. The link of a class is empty if the class has no rows.
    """

    answer: str
    reach: str
    count: str
    classes: tuple[ClassLink, ...]
    first: str
    last: str
    event_types: str
    sample: str


@dataclass(frozen=True, slots=True)
class ExceptionSection:
    """Everything that the section shows, as text and links."""

    classes: tuple[ClassLink, ...]
    selection: str
    patterns: tuple[Markup, ...]
    losses: tuple[LossTable, ...]
    errors: tuple[ErrorRow, ...]
    table: ExceptionTable


def exception_section(report: Report, exceptions: Exceptions) -> ExceptionSection:
    """Make the section of a report."""
    names = exceptions.by_name
    losses = {"partition": report.losses.by_partition, "process": report.losses.by_process}
    return ExceptionSection(
        tuple(
            ClassLink(name, f"{count:,} {name}", link({"class": name}))
            for name, count in names.items()
        ),
        selected_exceptions(exceptions),
        tuple(_pattern(pattern, names) for pattern in report.patterns),
        tuple(_loss_table(noun, groups) for noun, groups in losses.items() if groups),
        tuple(_error(report, group) for group in report.unacknowledged[:SHOWN_ERRORS]),
        exception_table(exceptions, report.manifest.trace_url),
    )


def _pattern(pattern: Pattern, names: Mapping[str, int]) -> Markup:
    if pattern.of in names:
        return pattern_link(pattern, pattern.some)
    return Markup('<a href="#errors">{}</a>: {}').format(pattern.some, pattern.what)


def _loss_table(noun: str, groups: tuple[LossGroup, ...]) -> LossTable:
    rows = tuple(_loss(noun, group) for group in groups[:SHOWN_GROUPS])
    return LossTable(noun, rows, len(groups) - len(rows))


def _loss(noun: str, group: LossGroup) -> LossRow:
    one_in = round(1 / group.share)
    often = f", 1 in {one_in:,}" if one_in > 1 else ""
    return LossRow(
        short(group.key),
        link({"class": "lost", noun: group.key}),
        f"{group.lost:,}",
        f"{group.acked:,}",
        f"{percent(group.share)}{often}",
        _clock(group.first_ns)[:_TO_THE_SECOND],
        _clock(group.last_ns)[:_TO_THE_SECOND],
    )


def _error(report: Report, group: UnacknowledgedGroup) -> ErrorRow:
    return ErrorRow(
        short(status_text(group.answer)),
        group.reach,
        f"{group.count:,}",
        tuple(_classes(group)),
        _clock(group.first_ns),
        _clock(group.last_ns),
        _types(group.by_type.items()),
        short(report.sample_of(group.answer)),
    )


def _classes(group: UnacknowledgedGroup) -> Iterator[ClassLink]:
    for name, count in group.by_class.items():
        filters = {"class": name, "error": short(group.answer)}
        yield ClassLink(name, f"{count:,} {name}", link(filters) if name in WORST_FIRST else "")


def _clock(at_ns: int | None) -> str:
    return "" if at_ns is None else clock(iso_time(at_ns))


def _types(counts: Iterable[tuple[str, int]]) -> str:
    """List the most frequent event types."""
    counts = list(counts)
    listed = ", ".join(f"{short(name)} {count:,}" for name, count in counts[:SHOWN_TYPES])
    more = f", {len(counts) - SHOWN_TYPES} more" if len(counts) > SHOWN_TYPES else ""
    return f"{listed}{more}" if len(counts) > 1 else short(counts[0][0])
