"""Thresholds: what a run must keep to besides delivery, in one grammar over HTTP and delivery.

    lost == 0
    http{event_type=purchase_sword}.p99 < 300ms
    end_to_end.p95 < 2s after 20s for 30s
    fail_ratio < 1%
    rps > 400
    lost == 0 abort

A threshold is a metric, a comparison and a limit. A metric is a count of classes or outcomes, a
rate (`rps`), a ratio (`fail_ratio`), or a duration with an aggregate (`http.p99`); `{…}` narrows it
down to an event type. `after` leaves out what was sent earlier than so long after the first
request, `for` what was sent later than so long after that. `abort` stops a test that goes on when
the threshold is broken, for what is known by then (see `live/gauge.py`). Pure.
"""

import difflib
import functools
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
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
OF_MESSAGES = frozenset({"foreign", "malformed", "garbled"})
"""Counts of messages that belong to no request, and so to no time of sending."""

KNOWN_LIVE = frozenset(
    {"attempted", "acked", "failed", "indeterminate", "lost", "duplicated", "rps", "fail_ratio"}
    | {"http", "from_intended"}
)
"""What is known while the test goes on, and can stop it."""
SEEN_IN_TOPIC = frozenset({"lost", "duplicated"})
"""Of these, what is seen in the topic, where neither event type nor time of sending is known."""

SEPARATOR = ";"
FILTER = "event_type"
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
_UNITS: Mapping[Kind, Mapping[str, float]] = {
    Kind.COUNT: {"": 1},
    Kind.RATE: {"": 1, "/s": 1},
    Kind.RATIO: {"": 1, "%": 0.01},
    Kind.DURATION: {"ms": 1, "s": 1000},
}
_UNITS_IN_WORDS = {
    Kind.COUNT: "a number without a unit",
    Kind.RATE: "a number, with or without /s",
    Kind.RATIO: "a share such as 0.01 or 1%",
    Kind.DURATION: "a time such as 300ms or 2s",
}
_AGGREGATE = re.compile(r"p(\d{1,2}(?:\.\d{1,4})?)|min|mean|max")
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_SPAN_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}

_GRAMMAR = r"""
start: METRIC filter? ("." AGGREGATE)? COMPARISON NUMBER UNIT? (AFTER SPAN)? (FOR SPAN)? ABORT?
filter: "{" NAME "=" VALUE "}"
METRIC: /[a-z_]+/
NAME: /[a-z_]+/
VALUE: /[^{}=;]+/
AGGREGATE: /p[0-9]+(\.[0-9]+)?|[a-z]+/
COMPARISON: "<=" | ">=" | "==" | "!=" | "<" | ">"
NUMBER: /[0-9]+(\.[0-9]+)?/
UNIT: "ms" | "s" | "%" | "/s"
AFTER: "after"
FOR: "for"
ABORT: "abort"
SPAN: /[0-9]+(\.[0-9]+)?(ms|s|m|h)/
%ignore /[ \t]+/
"""
_EXPECTED = {
    "METRIC": "a metric",
    "AGGREGATE": "an aggregate such as p99",
    "COMPARISON": "one of < <= == != >= >",
    "NUMBER": "a number",
    "UNIT": "a unit (ms, s, %, /s)",
    "AFTER": "after",
    "FOR": "for",
    "ABORT": "abort",
    "SPAN": "a time such as 20s",
    "NAME": "event_type",
    "VALUE": "an event type",
}


class ThresholdError(UsageError):
    """A threshold that is none; the message points at the place, and `marked` does in one line."""

    def __init__(self, told: str, text: str, start: int, end: int) -> None:
        self.marked = f"{told}: {text[:start]}»{text[start:end]}«{text[end:]}"
        super().__init__(f"{told}\n  {text}\n  {' ' * start}{'^' * max(1, end - start)}")


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
        return METRICS[self.metric]

    @property
    def quantile(self) -> float | None:
        """The quantile of a percentile; None for another aggregate."""
        return float(self.aggregate[1:]) / 100 if self.aggregate.startswith("p") else None

    def holds(self, value: float) -> bool:
        """Tell whether a value keeps to it."""
        return COMPARISONS[self.comparison](value, self.limit)

    def show(self, value: float) -> str:
        """Write a value as its limit is written."""
        match self.kind:
            case Kind.COUNT:
                return f"{value:,.0f}"
            case Kind.RATE:
                return f"{value:,.1f}/s"
            case Kind.RATIO:
                return f"{100 * value:.3g}%"
            case Kind.DURATION:
                return f"{value:,.1f}ms"


def parse(text: str) -> Threshold:
    """Read a threshold. ThresholdError points at what is wrong with it."""
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        raise _mistake(text, _place(text, error), f"expected {_expected(error)}") from None
    tokens = {
        str(token.type): token for token in tree.scan_values(lambda each: isinstance(each, Token))
    }
    spans = [token for token in tree.children if isinstance(token, Token) and token.type == "SPAN"]
    return _checked(text, tokens, spans)


def parse_all(texts: Iterable[str]) -> tuple[Threshold, ...]:
    """Read thresholds. ThresholdError points at the first mistake."""
    return tuple(parse(text) for text in texts)


def read_file(content: str) -> tuple[Threshold, ...]:
    """Read a file's thresholds, one a line; `#` begins a comment. ThresholdError as `parse`."""
    lines = (line.partition("#")[0].strip() for line in content.splitlines())
    return parse_all(line for line in lines if line)


def split(text: str) -> tuple[Threshold, ...]:
    """Read thresholds that stand in one line, parted by `;`. ThresholdError as `parse`."""
    return parse_all(part.strip() for part in text.split(SEPARATOR) if part.strip())


@functools.cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr")


def _checked(text: str, tokens: Mapping[str, Token], spans: Sequence[Token]) -> Threshold:
    """See that the parts go together."""
    metric = tokens["METRIC"]
    if metric not in METRICS:
        close = difflib.get_close_matches(metric, METRICS, 1)
        hint = f"; did you mean {close[0]}?" if close else f": it is one of {', '.join(METRICS)}"
        raise _mistake(text, _span(metric), f"there is no metric {str(metric)!r}{hint}")
    kind = METRICS[metric]
    if "NAME" in tokens and tokens["NAME"] != FILTER:
        raise _mistake(text, _span(tokens["NAME"]), f"a metric is narrowed down by {FILTER} alone")
    aggregate = _aggregate(text, kind, metric, tokens.get("AGGREGATE"))
    unit = tokens.get("UNIT")
    if (unit or "") not in _UNITS[kind]:
        at = _span(tokens["NUMBER"] if unit is None else unit)
        raise _mistake(text, at, f"the limit of {metric} must be {_UNITS_IN_WORDS[kind]}")
    window = _window(tokens, spans)
    if metric in OF_MESSAGES and not window.is_whole:
        raise _mistake(text, _span(spans[0]), f"{metric} is of no request, and of no time of one")
    if "ABORT" in tokens:
        _check_abort(text, tokens, window)
    return Threshold(
        text=text.strip(),
        metric=str(metric),
        event_type=str(tokens["VALUE"]).strip() if "VALUE" in tokens else None,
        aggregate=aggregate,
        comparison=str(tokens["COMPARISON"]),
        limit=float(tokens["NUMBER"]) * _UNITS[kind][unit or ""],
        window=window,
        abort="ABORT" in tokens,
    )


def _check_abort(text: str, tokens: Mapping[str, Token], window: Window) -> None:
    """See that a threshold that stops the test can be told to be broken before its end."""
    metric, at = str(tokens["METRIC"]), _span(tokens["ABORT"])
    if metric not in KNOWN_LIVE:
        raise _mistake(text, at, f"{metric} is known only when the run is over: nothing to abort")
    if metric in SEEN_IN_TOPIC and ("NAME" in tokens or not window.is_whole):
        told = "is known of all event types and all of the run until it is over: leave out"
        raise _mistake(text, at, f"{metric} {told} {FILTER}, after and for, or abort")
    upper = {"<", "<="} if METRICS[metric] is not Kind.COUNT else {"<", "<=", "=="}
    if METRICS[metric] is not Kind.RATE and tokens["COMPARISON"] not in upper:
        rule = f"{metric} can come to it until the end: abort needs an upper limit"
        raise _mistake(text, _span(tokens["COMPARISON"]), rule)


def _aggregate(text: str, kind: Kind, metric: Token, aggregate: Token | None) -> str:
    if kind is not Kind.DURATION:
        if aggregate is not None:
            raise _mistake(text, _span(aggregate), f"{metric} is one number, and has no aggregate")
        return ""
    if aggregate is None:
        raise _mistake(text, _span(metric), f"{metric} needs an aggregate, as {metric}.p99")
    if not _AGGREGATE.fullmatch(aggregate):
        rule = "an aggregate is min, mean, max or a percentile such as p50 or p99.9"
        raise _mistake(text, _span(aggregate), rule)
    return str(aggregate)


def _window(tokens: Mapping[str, Token], spans: Sequence[Token]) -> Window:
    lengths = [_seconds(span) for span in spans]
    after_s = lengths.pop(0) if "AFTER" in tokens else 0.0
    return Window(after_s, lengths[0] if lengths else None)


def _seconds(span: str) -> float:
    match = _SPAN.fullmatch(span)
    assert match is not None
    return float(match[1]) * _SPAN_S[match[2]]


def _span(token: Token) -> tuple[int, int]:
    start = token.start_pos or 0
    return start, start + len(token)


def _place(text: str, error: UnexpectedInput) -> tuple[int, int]:
    start = error.pos_in_stream
    if start is None or start < 0 or (isinstance(error, UnexpectedToken) and error.token == ""):
        start = len(text)
    return start, start + 1


def _expected(error: UnexpectedInput) -> str:
    """Say what could have stood there."""
    names = getattr(error, "accepts", None) or getattr(error, "allowed", None) or set()
    told = [words for name, words in _EXPECTED.items() if name in names]
    return " or ".join(told) or "nothing more"


def _mistake(text: str, place: tuple[int, int], told: str) -> ThresholdError:
    return ThresholdError(told, text, *place)
