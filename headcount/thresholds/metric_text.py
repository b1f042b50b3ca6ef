"""Metric texts: how thresholds and limits of change write a metric.

    lost                               a count of a class, an outcome or a flag
    rps                                requests per second
    fail_ratio                         a share
    http.p99                           a duration, with an aggregate
    http{event_type=join_guild}.p99    of one event type alone

A parser of such texts points at the first mistake. Pure.
"""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from lark import Lark, Token, UnexpectedInput, UnexpectedToken

from headcount.errors import UsageError
from headcount.thresholds.metrics import FILTER, METRICS, Metric, MetricKind

GRAMMAR = r"""
_metric: METRIC filter? ("." AGGREGATE)?
filter: "{" NAME "=" VALUE "}"
METRIC: /[a-z_]+/
NAME: /[a-z_]+/
VALUE: /[^{}=;]+/
AGGREGATE: /p[0-9]+(\.[0-9]+)?|[a-z]+/
NUMBER: /[0-9]+(\.[0-9]+)?/
UNIT: "ms" | "s" | "%" | "/s"
%ignore /[ \t]+/
"""
"""The rule `_metric`, and the terminals that may follow it."""

EXPECTED: Mapping[str, str] = {
    "METRIC": "a metric",
    "AGGREGATE": "an aggregate such as p99",
    "COMPARISON": "one of < <= == != >= >",
    "SIGN": "+ or -, and by how much",
    "NUMBER": "a number",
    "UNIT": "a unit (ms, s, %, /s)",
    "AFTER": "after",
    "FOR": "for",
    "ABORT": "abort",
    "SPAN": "a time such as 20s",
    "NAME": "event_type",
    "VALUE": "an event type",
}
"""How an error names each terminal."""

_AGGREGATE = re.compile(r"p(\d{1,2}(?:\.\d{1,4})?)|min|mean|max")


class MetricError(UsageError):
    """A mistake in a text. The message marks its place on a line below; `marked` does so inline."""

    def __init__(self, problem: str, text: str, start: int, end: int) -> None:
        self.marked = f"{problem}: {text[:start]}»{text[start:end]}«{text[end:]}"
        super().__init__(f"{problem}\n  {text}\n  {' ' * start}{'^' * max(1, end - start)}")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A text that fits the grammar, and its tokens in order."""

    text: str
    tokens: Sequence[Token]

    def get(self, name: str) -> Token | None:
        """Return the last token of a name; None if there is none."""
        return next((token for token in reversed(self.tokens) if token.type == name), None)

    def __getitem__(self, name: str) -> Token:
        """Return the last token of a name. StopIteration if there is none."""
        return next(token for token in reversed(self.tokens) if token.type == name)

    def all(self, name: str) -> list[Token]:
        """Return all tokens of a name, in order."""
        return [token for token in self.tokens if token.type == name]

    def mistake(self, token: Token, problem: str) -> MetricError:
        """Return the error that points at a token."""
        start = token.start_pos or 0
        return MetricError(problem, self.text, start, start + len(token))


def parse(parser: Callable[[], Lark], text: str, expected: Mapping[str, str] = EXPECTED) -> Parsed:
    """Parse a text; `expected` has the words for the grammar's terminals.

    Raises:
        MetricError: The text does not fit the grammar.
    """
    try:
        tree = parser().parse(text)
    except UnexpectedInput as error:
        problem = f"expected {_expected(error, expected)}"
        raise MetricError(problem, text, *_error_range(text, error)) from None
    tokens = tree.scan_values(lambda value: isinstance(value, Token))
    return Parsed(text, sorted(tokens, key=lambda token: token.start_pos or 0))


def metric_of(parsed: Parsed) -> Metric:
    """Return the metric that a text names.

    Raises:
        MetricError: The metric does not exist, or its filter or aggregate does not fit it.
    """
    name = parsed["METRIC"]
    if name not in METRICS:
        close = difflib.get_close_matches(name, METRICS, 1)
        hint = f"; did you mean {close[0]}?" if close else f"; the metrics are {', '.join(METRICS)}"
        raise parsed.mistake(name, f"there is no metric {str(name)!r}{hint}")
    narrowed = parsed.get("NAME")
    if narrowed is not None and narrowed != FILTER:
        raise parsed.mistake(narrowed, f"a metric can be filtered only by {FILTER}")
    if narrowed is not None and not METRICS[name].has_event_types:
        rule = f"{name} messages have no event type, so none would ever count: leave out {FILTER}"
        raise parsed.mistake(narrowed, rule)
    aggregate = _aggregate(parsed, name, parsed.get("AGGREGATE"))
    event_type = parsed.get("VALUE")
    return Metric(str(name), None if event_type is None else str(event_type).strip(), aggregate)


def amount_of(parsed: Parsed, units: Mapping[str, Decimal], rule: str) -> float:
    """Return the number in the metric's own unit, rounded once: 35% is 35 / 100.

    Raises:
        MetricError: The unit is none of `units`; the message is `rule`.
    """
    unit = parsed.get("UNIT")
    if (unit or "") not in units:
        raise parsed.mistake(parsed["NUMBER"] if unit is None else unit, rule)
    return float(Decimal(parsed["NUMBER"]) * units[unit or ""])


def _aggregate(parsed: Parsed, name: Token, aggregate: Token | None) -> str:
    if METRICS[name].kind is not MetricKind.DURATION:
        if aggregate is not None:
            raise parsed.mistake(aggregate, f"{name} is a single number: leave out the aggregate")
        return ""
    if aggregate is None:
        raise parsed.mistake(name, f"{name} needs an aggregate, such as {name}.p99")
    if not _AGGREGATE.fullmatch(aggregate):
        rule = "an aggregate is min, mean, max or a percentile such as p50 or p99.9"
        raise parsed.mistake(aggregate, rule)
    return str(aggregate)


def _error_range(text: str, error: UnexpectedInput) -> tuple[int, int]:
    start = error.pos_in_stream
    if start is None or start < 0 or (isinstance(error, UnexpectedToken) and error.token == ""):
        start = len(text)
    return start, start + 1


def _expected(error: UnexpectedInput, expected: Mapping[str, str]) -> str:
    """Name what the grammar allows at the error's place."""
    names = getattr(error, "accepts", None) or getattr(error, "allowed", None) or set()
    allowed = [words for name, words in expected.items() if name in names]
    return " or ".join(allowed) or "nothing more"
