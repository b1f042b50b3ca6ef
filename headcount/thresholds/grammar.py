"""Thresholds: what a run must keep to besides delivery, in one grammar over HTTP and delivery.

    lost == 0
    http{event_type=purchase_sword}.p99 < 300ms
    end_to_end.p95 < 2s after 20s for 30s
    fail_ratio < 1%
    rps > 400
    lost == 0 abort

A threshold is a metric (see `metrics.py`), a comparison and a limit. `after` leaves out what was
sent earlier than so long after the first request, `for` what was sent later than so long after
that. `abort` stops a test that goes on when the threshold is broken, for what is known by then (see
`live/guard.py`). Pure.
"""

import functools
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from lark import Lark

from headcount.thresholds import metrics
from headcount.thresholds.metrics import (
    FILTER,
    KNOWN_LIVE,
    OF_MESSAGES,
    SEEN_IN_TOPIC,
    UNITS,
    Kind,
    Metric,
    Parsed,
)
from headcount.time_span import seconds_of

SEPARATOR = ";"

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
_UNITS_IN_WORDS = {
    Kind.COUNT: "a number without a unit",
    Kind.RATE: "a number, with or without /s",
    Kind.RATIO: "a share such as 0.01 or 1%",
    Kind.DURATION: "a time such as 300ms or 2s",
}

_GRAMMAR = (
    r"""
start: _metric COMPARISON NUMBER UNIT? (AFTER SPAN)? (FOR SPAN)? ABORT?
COMPARISON: "<=" | ">=" | "==" | "!=" | "<" | ">"
AFTER: "after"
FOR: "for"
ABORT: "abort"
SPAN: /[0-9]+(\.[0-9]+)?(ms|s|m|h)/
"""
    + metrics.GRAMMAR
)


@dataclass(frozen=True, slots=True)
class Window:
    """A part of the run, in seconds from its first request; without an end, all of the rest."""

    after_s: float = 0.0
    for_s: float | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole run."""
        return self == Window()


@dataclass(frozen=True, slots=True)
class Threshold:
    """What must hold; `limit` is in ms, per second, as a share or a number."""

    text: str
    metric: str
    event_type: str | None
    aggregate: str
    comparison: str
    limit: float
    window: Window = Window()
    abort: bool = False

    @property
    def kind(self) -> Kind:
        """What its metric is."""
        return metrics.METRICS[self.metric]

    @property
    def quantile(self) -> float | None:
        """The quantile of a percentile; None for another aggregate."""
        return float(self.aggregate[1:]) / 100 if self.aggregate.startswith("p") else None

    def holds(self, value: float) -> bool:
        """Tell whether a value keeps to it."""
        return COMPARISONS[self.comparison](value, self.limit)

    def show(self, value: float) -> str:
        """Write a value as its limit is written."""
        return Metric(self.metric, self.event_type, self.aggregate).show(value)


def parse(text: str) -> Threshold:
    """Read a threshold. MetricError points at what is wrong with it."""
    parsed = metrics.parse(_parser, text)
    metric = metrics.metric_of(parsed)
    rule = f"the limit of {metric.name} must be {_UNITS_IN_WORDS[metric.kind]}"
    limit = metrics.amount_of(parsed, UNITS[metric.kind], rule)
    window = _window(parsed)
    if metric.name in OF_MESSAGES and not window.is_whole:
        told = f"{metric.name} is of no request, and of no time of one"
        raise parsed.mistake(parsed.all("SPAN")[0], told)
    if parsed.get("ABORT"):
        _check_abort(parsed, metric, window)
    return Threshold(
        text=text.strip(),
        metric=metric.name,
        event_type=metric.event_type,
        aggregate=metric.aggregate,
        comparison=str(parsed["COMPARISON"]),
        limit=limit,
        window=window,
        abort=parsed.get("ABORT") is not None,
    )


def _check_abort(parsed: Parsed, metric: Metric, window: Window) -> None:
    """See that a threshold that stops the test can be told to be broken before its end."""
    name, abort, comparison = metric.name, parsed["ABORT"], parsed["COMPARISON"]
    if name not in KNOWN_LIVE:
        raise parsed.mistake(abort, f"{name} is known only when the run is over: nothing to abort")
    if name in SEEN_IN_TOPIC and (metric.event_type is not None or not window.is_whole):
        told = "is known of all event types and all of the run until it is over: leave out"
        raise parsed.mistake(abort, f"{name} {told} {FILTER}, after and for, or abort")
    upper = {"<", "<="} if metric.kind is not Kind.COUNT else {"<", "<=", "=="}
    if metric.kind is not Kind.RATE and comparison not in upper:
        rule = f"{name} can come to it until the end: abort needs an upper limit"
        raise parsed.mistake(comparison, rule)
    if metric.kind is Kind.RATE and comparison in {"==", "!="}:
        rule = f"{name} is never exactly a number: abort needs a lower or an upper limit"
        raise parsed.mistake(comparison, rule)


def parse_all(texts: Iterable[str]) -> tuple[Threshold, ...]:
    """Read thresholds. MetricError points at the first mistake."""
    return tuple(parse(text) for text in texts)


def read_file(content: str) -> tuple[Threshold, ...]:
    """Read a file's thresholds, one a line; `#` begins a comment. MetricError as `parse`."""
    lines = (line.partition("#")[0].strip() for line in content.splitlines())
    return parse_all(line for line in lines if line)


def split(text: str) -> tuple[Threshold, ...]:
    """Read thresholds that stand in one line, parted by `;`. MetricError as `parse`."""
    return parse_all(part.strip() for part in text.split(SEPARATOR) if part.strip())


@functools.cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr")


def _window(parsed: Parsed) -> Window:
    lengths = [seconds_of("a part of the run", span) for span in parsed.all("SPAN")]
    after_s = lengths.pop(0) if parsed.get("AFTER") else 0.0
    return Window(after_s, lengths[0] if lengths else None)
