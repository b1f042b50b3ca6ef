"""The first screen: what the run was, what broke, how much was lost, when, and what is slow."""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from headcount.ledger.event_types import TOTAL
from headcount.run.address import without_secrets
from headcount.run.utc import between, clock_text
from headcount.run.verdict import Area, Check, Result, against
from headcount.thresholds.percentiles import percentile_name
from headcount_analysis.classes_and_flags import COUNT_KEYS, Counts
from headcount_analysis.measure.histogram import Measure
from headcount_analysis.measure.latency import Latency
from headcount_analysis.measure.threshold_results import ThresholdResult
from headcount_analysis.report.count_sentences import classes_of
from headcount_analysis.report.duration_text import duration, spaced
from headcount_analysis.report.html.exception_links import link, pattern_link
from headcount_analysis.report.html.templates import sentence
from headcount_analysis.report.html.type_rows import enough_percentiles, slowest_type
from headcount_analysis.report.model import Report
from headcount_analysis.report.share import share_of_class, short_share

_OUTCOMES = frozenset({"attempted", "acked", "failed", "indeterminate", "delivered", "lost"})
_ALWAYS = "duplicated"
_MOST_PATTERNS = 3
_SHOWN_MEASURES = (Measure.HTTP, Measure.END_TO_END)
_LIMITS = {"<": "limit", "<=": "limit", ">": "minimum", ">=": "minimum", "==": "must be"}
_WHOLE = re.compile(r"\.0+(?!\d)")
_LISTED = (
    frozenset(COUNT_KEYS)
    - (_OUTCOMES - {"lost"})
    - {
        *("refused", "foreign", "malformed", "garbled"),
    }
)
"""The classes and flags whose rows the table of exceptions may list."""

_BY_MESSAGE = frozenset({"phantom", "foreign", "malformed", "garbled"})


@dataclass(frozen=True, slots=True)
class RunFact:
    """A fact about the run; `at` is the moment that its text names, in ISO 8601, or empty."""

    name: str
    text: str
    at: str = ""


@dataclass(frozen=True, slots=True)
class BrokenCheck:
    """A check that keeps the run from a pass: what broke, details, and what to do about it.

    `href` leads to the place on the page that shows it. `remedy` is empty for a class: the table of
    checks has it. `patterns` say what exceptions of a class have in common, with links to rows.
    """

    text: str
    href: str
    details: tuple[str, ...] = ()
    remedy: str = ""
    patterns: tuple[Markup, ...] = ()


@dataclass(frozen=True, slots=True)
class FigureTile:
    """A headline figure; `kind` is the class that colours it, empty if none does."""

    name: str
    value: str
    note: str = ""
    kind: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class AccountingPart:
    """A class of the accounting bar; `href` leads to its rows, empty if none are listed."""

    name: str
    count: int
    href: str

    @property
    def value(self) -> str:
        """The formatted count."""
        return f"{self.count:,}"


def facts(report: Report) -> Iterator[RunFact]:
    """Yield the facts that describe the run, for one line of the page."""
    manifest = report.manifest
    started = manifest.created_at
    yield RunFact("started", clock_text(started), started)
    if report.span_s:
        yield RunFact("duration", duration(report.span_s))
    yield RunFact("scenario", manifest.scenario)
    load = _load(manifest.options)
    if load:
        yield RunFact("load", load)
    yield RunFact("host", without_secrets(manifest.host))
    yield RunFact("topic", f"topic {manifest.topic}")
    yield RunFact("promise", manifest.promise or "no delivery promise stated")
    yield RunFact("version", f"Headcount {manifest.headcount_version}")


def _load(options: Mapping[str, object]) -> str:
    """Describe the load: the rate, if there is one, else the users."""
    rate, users = options.get("rate"), options.get("num_users")
    processes = options.get("processes")
    parts = [f"rate {rate}"] if rate else [f"{users} users"] if users else []
    if parts and isinstance(processes, int) and processes > 1:
        parts.append(f"{processes} processes")
    return ", ".join(parts)


def broken_checks(report: Report) -> Iterator[BrokenCheck]:
    """Yield the checks that keep the run from a pass, most important first."""
    thresholds = {result.threshold.text: result for result in report.thresholds}
    for check in against(report.checks):
        if check.area is Area.THRESHOLDS and check.name in thresholds:
            yield BrokenCheck(threshold_text(thresholds[check.name]), "#thresholds")
        elif check.area is Area.DELIVERY and check.name in COUNT_KEYS and report.counts is not None:
            yield _broken_class(report, report.counts, check)
        else:
            text = sentence(check.evidence or check.name)
            yield BrokenCheck(text, "#checks", (), check.remedy)


def threshold_text(judged: ThresholdResult) -> str:
    """Describe a threshold by what was measured: `http.p99 569.8 ms, limit 20 ms`."""
    threshold = judged.threshold
    name = threshold.text.partition(threshold.comparison)[0].strip()
    limit = _WHOLE.sub("", spaced(threshold.show(threshold.limit)))
    rule = _LIMITS.get(threshold.comparison, "must not be")
    window = threshold.window
    part = f", after {duration(window.after_s)}" if window.after_s else ""
    part += "" if window.for_s is None else f" for {duration(window.for_s)}"
    unproven = " (unproven)" if judged.result is Result.UNPROVEN else ""
    return f"{name} {spaced(judged.shown)}, {rule} {limit}{part}{unproven}"


def _broken_class(report: Report, counts: Counts, check: Check) -> BrokenCheck:
    """Describe a class by its count, its meaning, its share, and when its requests were sent."""
    count, _, meaning = check.evidence.partition(": ")
    share = "" if check.name in _BY_MESSAGE else share_of_class(counts, check.name)
    times = report.class_times.get(check.name)
    sent = "" if times is None else f"sent {between(times.first_ns, times.last_ns)}"
    details = tuple(filter(None, (meaning, share, sent)))
    href = href_of_class(check.name, counts) or "#checks"
    return BrokenCheck(count, href, details, patterns=tuple(_patterns(report, check.name)))


def _patterns(report: Report, name: str) -> Iterator[Markup]:
    """Yield the strongest patterns of a class, without those of time, which is shown anyway."""
    of_class = (
        pattern
        for pattern in report.patterns
        if pattern.of == name and "from" not in pattern.filters
    )
    for pattern in itertools.islice(of_class, _MOST_PATTERNS):
        yield pattern_link(pattern, pattern.some)


def href_of_class(name: str, counts: Counts | None) -> str:
    """Return the link to the rows of a class; empty if it has none."""
    values = {} if counts is None else counts.as_dict()
    return link({"class": name}) if name in _LISTED and values.get(name) else ""


def bar_parts(counts: Counts | None) -> tuple[AccountingPart, ...]:
    """Return the classes that occur; they add up to the attempts."""
    return tuple(
        AccountingPart(name, count, href_of_class(name, counts))
        for name, count in classes_of(counts)
    )


def tiles(report: Report) -> Iterator[FigureTile]:
    """Yield the headline figures: the classes, when losses happened, and how fast it was."""
    counts = report.counts
    if counts is None or not report.over_time.slices:
        return
    yield _loss_tile(counts)
    lost = report.class_times.get("lost")
    if lost is not None:
        losses = between(lost.first_ns, lost.last_ns)
        note = f"by send time, over {duration((lost.last_ns - lost.first_ns) / 1e9)}"
        href = href_of_class("lost", counts)
        yield FigureTile("first and last loss", losses, note, "lost", href)
    yield from _class_tiles(counts)
    yield from _speed_tiles(report)


def _loss_tile(counts: Counts) -> FigureTile:
    if not counts.lost:
        return FigureTile("lost", "0", f"of {counts.acked:,} acknowledged")
    share, href = share_of_class(counts, "lost"), href_of_class("lost", counts)
    return FigureTile("lost", f"{counts.lost:,}", share, "lost", href)


def _class_tiles(counts: Counts) -> Iterator[FigureTile]:
    for name, count in counts.as_dict().items():
        if name in _OUTCOMES or not (count or name == _ALWAYS):
            continue
        share = "" if name in _BY_MESSAGE else short_share(counts, name)
        href = href_of_class(name, counts)
        yield FigureTile(name, f"{count:,}", share, name if count else "", href)


def _speed_tiles(report: Report) -> Iterator[FigureTile]:
    slowest = slowest_type(report.latencies)
    if slowest is not None:
        note = f"HTTP {slowest.aggregate} {slowest.ms:,.1f} ms"
        yield FigureTile("slowest event type", slowest.event_type, note, "", "#event-types")
    for latency in _totals(report.latencies):
        if latency.measure in _SHOWN_MEASURES:
            yield _duration_tile(latency)
    shown = report.rates.shown
    if "achieved" in shown:
        note = f"target {shown['target']}" if "target" in shown else ""
        yield FigureTile("achieved", shown["achieved"], note, "", "#load")


def _duration_tile(latency: Latency) -> FigureTile:
    """Show the highest percentile with enough samples, else the maximum, with the median."""
    known = {
        percentile_name(quantile): ms for quantile, ms in enough_percentiles(latency).items()
    } or {"max": latency.max_ms}
    *others, highest = known
    note = f"{others[0]} {known[others[0]]:,.1f} ms" if others else ""
    name, value = f"{latency.measure.words} {highest}", f"{known[highest]:,.1f} ms"
    return FigureTile(name, value, note, "", "#latency")


def _totals(latencies: tuple[Latency, ...]) -> Iterator[Latency]:
    return (latency for latency in latencies if latency.event_type == TOTAL)
