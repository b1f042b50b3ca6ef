"""Thresholds: pass criteria of a run, in one grammar for HTTP and delivery.

    lost == 0
    http{event_type=purchase_sword}.p99 < 300ms
    end_to_end.p95 < 2s after 20s for 30s
    fail_ratio < 1%
    rps > 400
    lost == 0 abort

A threshold is a metric (see `metrics.py`), a comparison and a limit. `after 20s` leaves out the
requests of the first 20 s, `for 30s` those sent more than 30 s after that. `abort` stops the test
once the threshold is broken so far (`headcount/monitor/abort_rules.py` says what it waits for).
Pure.
"""

import functools
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from lark import Lark

from headcount.thresholds import metric_text
from headcount.thresholds.metric_text import Parsed
from headcount.thresholds.metrics import FILTER, METRICS, LiveSource, Metric, MetricKind
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
_LIMIT_RULES = {
    MetricKind.COUNT: "a number without a unit",
    MetricKind.RATE: "a number, with or without /s",
    MetricKind.RATIO: "a share such as 0.01 or 1%",
    MetricKind.DURATION: "a time such as 300ms or 2s",
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
    + metric_text.GRAMMAR
)


@dataclass(frozen=True, slots=True)
class Window:
    """A part of the run, in seconds from its first request; without `for_s`, to the run's end."""

    after_s: float = 0.0
    for_s: float | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it covers the whole run."""
        return self == Window()


@dataclass(frozen=True, slots=True)
class Threshold:
    """A condition; `limit` is in the metric's own unit: ms, per second, a share or a number."""

    text: str
    metric: str
    event_type: str | None
    aggregate: str
    comparison: str
    limit: float
    window: Window = Window()
    abort: bool = False

    @property
    def measures(self) -> Metric:
        """The metric with its event type and aggregate."""
        return Metric(self.metric, self.event_type, self.aggregate)

    @property
    def kind(self) -> MetricKind:
        """The kind of its metric."""
        return METRICS[self.metric].kind

    @property
    def quantile(self) -> float | None:
        """The quantile, from 0 to 1, if the aggregate is a percentile."""
        return float(self.aggregate[1:]) / 100 if self.aggregate.startswith("p") else None

    def holds(self, value: float) -> bool:
        """Return whether a value satisfies it."""
        return COMPARISONS[self.comparison](value, self.limit)

    def show(self, value: float) -> str:
        """Format a value in the unit of the limit."""
        return self.measures.show(value)


def parse(text: str) -> Threshold:
    """Parse a threshold. MetricError points at a mistake."""
    parsed = metric_text.parse(_parser, text)
    metric = metric_text.metric_of(parsed)
    rule = f"the limit of {metric.name} must be {_LIMIT_RULES[metric.kind]}"
    limit = metric_text.amount_of(parsed, metric.kind.units, rule)
    window = _window(parsed)
    if metric.definition.only_whole and not window.is_whole:
        rule = f"{metric.definition.only_whole}: leave out after and for"
        raise parsed.mistake(parsed.all("SPAN")[0], rule)
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
    """Check that a running test can show that it broke the threshold. MetricError if it cannot."""
    name, abort, comparison = metric.name, parsed["ABORT"], parsed["COMPARISON"]
    live = metric.definition.live
    if live is LiveSource.NONE:
        raise parsed.mistake(abort, f"{name} is known only when the run is over: leave out abort")
    if live is LiveSource.TOPIC and (metric.event_type is not None or not window.is_whole):
        rule = f"while the test runs, {name} is known only for the whole run and all event types"
        remedy = f"leave out abort, or leave out {FILTER}, after and for"
        raise parsed.mistake(abort, f"{rule}: {remedy}")
    upper = {"<", "<="} if metric.kind is not MetricKind.COUNT else {"<", "<=", "=="}
    if metric.kind is not MetricKind.RATE and comparison not in upper:
        rule = f"{name} may still reach the limit before the end: abort needs an upper limit"
        raise parsed.mistake(comparison, rule)
    if metric.kind is MetricKind.RATE and comparison in {"==", "!="}:
        rule = f"{name} never equals a number exactly: abort needs a lower or an upper limit"
        raise parsed.mistake(comparison, rule)


def parse_all(texts: Iterable[str]) -> tuple[Threshold, ...]:
    """Parse thresholds. MetricError points at the first mistake."""
    return tuple(parse(text) for text in texts)


def read_file(content: str) -> tuple[Threshold, ...]:
    """Parse a file: one threshold per line, comments from `#`. MetricError as in `parse`."""
    lines = (line.partition("#")[0].strip() for line in content.splitlines())
    return parse_all(line for line in lines if line)


def split(text: str) -> tuple[Threshold, ...]:
    """Parse thresholds separated by `;`. MetricError as in `parse`."""
    return parse_all(part.strip() for part in text.split(SEPARATOR) if part.strip())


@functools.cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr")


def _window(parsed: Parsed) -> Window:
    lengths = [seconds_of("a part of the run", span) for span in parsed.all("SPAN")]
    after_s = lengths.pop(0) if parsed.get("AFTER") else 0.0
    return Window(after_s, lengths[0] if lengths else None)
