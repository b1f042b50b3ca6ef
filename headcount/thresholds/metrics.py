"""Metrics: what a run is measured by, and how thresholds and limits of change write it down.

    lost                               a count of a class, an outcome or a flag
    rps                                requests in a second
    fail_ratio                         a share
    http.p99                           a duration, with an aggregate
    http{event_type=join_guild}.p99    of one event type alone

What reads such a text points at its first mistake. Pure.
"""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lark import Lark, Token, UnexpectedInput, UnexpectedToken

from headcount.errors import UsageError


class Kind(StrEnum):
    """What a metric is, which says how its limit is written."""

    COUNT = "count"
    RATE = "rate"
    RATIO = "ratio"
    DURATION = "duration"


DURATIONS = ("http", "from_intended", "end_to_end")
METRICS: Mapping[str, Kind] = {
    **dict.fromkeys(("attempted", "acked", "failed", "indeterminate"), Kind.COUNT),
    **dict.fromkeys(("delivered", "lost", "duplicated", "recovered", "absent"), Kind.COUNT),
    **dict.fromkeys(("refused", "ghost", "phantom", "foreign", "malformed"), Kind.COUNT),
    **dict.fromkeys(("corrupted", "reordered", "late", "garbled", "misplaced"), Kind.COUNT),
    "rps": Kind.RATE,
    "fail_ratio": Kind.RATIO,
    **dict.fromkeys(DURATIONS, Kind.DURATION),
}
OF_MESSAGES = frozenset({"phantom", "foreign", "malformed", "garbled"})
"""Counts of messages that belong to no request, and so to no time of sending."""
KNOWN_LIVE = frozenset(
    {"attempted", "acked", "failed", "indeterminate", "lost", "duplicated", "rps", "fail_ratio"}
    | {"http", "from_intended"}
)
"""What is known while the test goes on, and can stop it."""
SEEN_IN_TOPIC = frozenset({"lost", "duplicated"})
"""Of these, what is seen in the topic, where neither event type nor time of sending is known."""

FILTER = "event_type"
UNITS: Mapping[Kind, Mapping[str, float]] = {
    Kind.COUNT: {"": 1},
    Kind.RATE: {"": 1, "/s": 1},
    Kind.RATIO: {"": 1, "%": 0.01},
    Kind.DURATION: {"ms": 1, "s": 1000},
}
"""How large each unit is, in that of the kind: a number, per second, a share, ms."""

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
"""The rule `_metric`, and the terminals of what stands after it."""

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
_AGGREGATE = re.compile(r"p(\d{1,2}(?:\.\d{1,4})?)|min|mean|max")


class MetricError(UsageError):
    """What is none of these; the message points at the place, and `marked` does so in one line."""

    def __init__(self, told: str, text: str, start: int, end: int) -> None:
        self.marked = f"{told}: {text[:start]}»{text[start:end]}«{text[end:]}"
        super().__init__(f"{told}\n  {text}\n  {' ' * start}{'^' * max(1, end - start)}")


@dataclass(frozen=True, slots=True)
class Metric:
    """What is measured; `aggregate` is empty but for durations, `event_type` None for all."""

    name: str
    event_type: str | None = None
    aggregate: str = ""

    @property
    def kind(self) -> Kind:
        """What it is."""
        return METRICS[self.name]

    def show(self, value: float) -> str:
        """Write a value as a limit of it is written."""
        match self.kind:
            case Kind.COUNT:
                return f"{value:,.0f}"
            case Kind.RATE:
                return f"{value:,.1f}/s"
            case Kind.RATIO:
                return f"{100 * value:.3g}%"
            case Kind.DURATION:
                return f"{value:,.1f}ms"

    def __str__(self) -> str:
        """Write it as it is read."""
        narrowed = "" if self.event_type is None else f"{{{FILTER}={self.event_type}}}"
        return f"{self.name}{narrowed}{self.aggregate and '.'}{self.aggregate}"


@dataclass(frozen=True, slots=True)
class Parsed:
    """A text that fits the grammar: its tokens by name, and those of one name in their order."""

    text: str
    tokens: Sequence[Token]

    def get(self, name: str) -> Token | None:
        """Give the last token of a name, if there is one."""
        return next((each for each in reversed(self.tokens) if each.type == name), None)

    def __getitem__(self, name: str) -> Token:
        """Give the last token of a name that there must be."""
        return next(each for each in reversed(self.tokens) if each.type == name)

    def all(self, name: str) -> list[Token]:
        """Give the tokens of a name, in their order."""
        return [each for each in self.tokens if each.type == name]

    def mistake(self, token: Token, told: str) -> MetricError:
        """Make the error that points at a token."""
        start = token.start_pos or 0
        return MetricError(told, self.text, start, start + len(token))


def parse(parser: Callable[[], Lark], text: str, expected: Mapping[str, str] = EXPECTED) -> Parsed:
    """Read a text by a grammar, whose terminals `expected` names in words.

    MetricError points at what does not fit.
    """
    try:
        tree = parser().parse(text)
    except UnexpectedInput as error:
        raise MetricError(
            f"expected {_expected(error, expected)}", text, *_place(text, error)
        ) from None
    found = tree.scan_values(lambda each: isinstance(each, Token))
    return Parsed(text, sorted(found, key=lambda token: token.start_pos or 0))


def metric_of(parsed: Parsed) -> Metric:
    """See that the parts of a metric go together. MetricError points at what does not."""
    name = parsed["METRIC"]
    if name not in METRICS:
        close = difflib.get_close_matches(name, METRICS, 1)
        hint = f"; did you mean {close[0]}?" if close else f": it is one of {', '.join(METRICS)}"
        raise parsed.mistake(name, f"there is no metric {str(name)!r}{hint}")
    narrowed = parsed.get("NAME")
    if narrowed is not None and narrowed != FILTER:
        raise parsed.mistake(narrowed, f"a metric is narrowed down by {FILTER} alone")
    aggregate = _aggregate(parsed, name, parsed.get("AGGREGATE"))
    event_type = parsed.get("VALUE")
    return Metric(str(name), None if event_type is None else str(event_type).strip(), aggregate)


def amount_of(parsed: Parsed, units: Mapping[str, float], rule: str) -> float:
    """Give the number and its unit as one figure. MetricError says `rule` of another unit."""
    unit = parsed.get("UNIT")
    if (unit or "") not in units:
        raise parsed.mistake(parsed["NUMBER"] if unit is None else unit, rule)
    return float(parsed["NUMBER"]) * units[unit or ""]


def _aggregate(parsed: Parsed, name: Token, aggregate: Token | None) -> str:
    if METRICS[name] is not Kind.DURATION:
        if aggregate is not None:
            raise parsed.mistake(aggregate, f"{name} is one number, and has no aggregate")
        return ""
    if aggregate is None:
        raise parsed.mistake(name, f"{name} needs an aggregate, as {name}.p99")
    if not _AGGREGATE.fullmatch(aggregate):
        rule = "an aggregate is min, mean, max or a percentile such as p50 or p99.9"
        raise parsed.mistake(aggregate, rule)
    return str(aggregate)


def _place(text: str, error: UnexpectedInput) -> tuple[int, int]:
    start = error.pos_in_stream
    if start is None or start < 0 or (isinstance(error, UnexpectedToken) and error.token == ""):
        start = len(text)
    return start, start + 1


def _expected(error: UnexpectedInput, expected: Mapping[str, str]) -> str:
    """Say what could have stood there."""
    names = getattr(error, "accepts", None) or getattr(error, "allowed", None) or set()
    told = [words for name, words in expected.items() if name in names]
    return " or ".join(told) or "nothing more"
