"""Metrics: the one table of all metrics; everything that names a metric uses it.

Thresholds (`grammar.py`), live aborts (`headcount/monitor/abort_rules.py`), limits of change and
the comparison of runs (`analysis/headcount_analysis/compare_runs`) look a metric up here: how its
limit is written, which direction is worse, what must have been observed before it can be decided,
and whether it is known while the test runs. A new metric is a row of `METRICS`; aggregates, such as
percentiles, are parsed in `metric_text.py`. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

FILTER = "event_type"
"""The filter that narrows a metric down."""


class MetricKind(StrEnum):
    """How a metric is computed and how its limit is written."""

    COUNT = "count"
    RATE = "rate"
    RATIO = "ratio"
    DURATION = "duration"

    @property
    def units(self) -> Mapping[str, Decimal]:
        """The value of each unit in the kind's base unit: a number, per second, a share or ms."""
        return _UNITS[self]


PERCENT = Decimal("0.01")
_ONE = Decimal(1)
_UNITS: Mapping[MetricKind, Mapping[str, Decimal]] = {
    MetricKind.COUNT: {"": _ONE},
    MetricKind.RATE: {"": _ONE, "/s": _ONE},
    MetricKind.RATIO: {"": _ONE, "%": PERCENT},
    MetricKind.DURATION: {"ms": _ONE, "s": Decimal(1000)},
}


class Worse(StrEnum):
    """The direction in which a metric gets worse."""

    RISING = "rising"
    FALLING = "falling"
    NEITHER = "neither"


class Needs(StrEnum):
    """What must have been observed before a metric can be decided."""

    REQUESTS = "requests"
    ACKNOWLEDGED = "acknowledged requests"
    EVENTS = "events in the topic"
    TIMES = "events with a usable timestamp"
    PLACES = "events whose response names their partition and offset"
    KEYS = "events that share a message key with another"
    FIRST_BYTES = "requests whose first byte was measured"
    MESSAGES = "messages, which belong to no request"


_ONLY_WHOLE = {
    Needs.MESSAGES: "{} counts messages, which have no request time",
    Needs.FIRST_BYTES: "{} is counted only for the whole run",
}


class LiveSource(StrEnum):
    """What reports a metric while the test runs; NONE if it is known only afterwards."""

    GENERATORS = "generators"
    TOPIC = "topic"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class MetricDefinition:
    """A row of the table.

    `opt_in` metrics count against a run only if the run sets a limit for them. Without
    `has_event_types`, the metric counts messages that cannot be read, and so have no event type.
    """

    name: str
    kind: MetricKind
    worse: Worse = Worse.NEITHER
    needs: Needs = Needs.REQUESTS
    live: LiveSource = LiveSource.NONE
    opt_in: bool = False
    has_event_types: bool = True

    @property
    def only_whole(self) -> str:
        """Why it is known only for the whole run; empty if it is known for parts of the run."""
        return _ONLY_WHOLE.get(self.needs, "").format(self.name)

    @property
    def is_fact(self) -> bool:
        """Whether it counts defects: one more is a fact, not noise."""
        return self.kind is MetricKind.COUNT and self.worse is Worse.RISING


def _count(name: str, live: LiveSource = LiveSource.NONE) -> MetricDefinition:
    return MetricDefinition(name, MetricKind.COUNT, live=live)


def _defect(
    name: str, needs: Needs, live: LiveSource = LiveSource.NONE, *, opt_in: bool = False
) -> MetricDefinition:
    return MetricDefinition(name, MetricKind.COUNT, Worse.RISING, needs, live, opt_in)


def _unreadable(name: str, *, opt_in: bool = False) -> MetricDefinition:
    row = _defect(name, Needs.MESSAGES, opt_in=opt_in)
    return replace(row, has_event_types=False)


def _duration(name: str, needs: Needs, live: LiveSource = LiveSource.NONE) -> MetricDefinition:
    return MetricDefinition(name, MetricKind.DURATION, Worse.RISING, needs, live)


_GENERATORS, _TOPIC = LiveSource.GENERATORS, LiveSource.TOPIC
_TABLE = (
    _count("attempted", _GENERATORS),
    _count("acked", _GENERATORS),
    _count("failed", _GENERATORS),
    _count("indeterminate", _GENERATORS),
    _count("delivered"),
    _defect("lost", Needs.ACKNOWLEDGED, _TOPIC),
    _defect("duplicated", Needs.EVENTS, _TOPIC),
    _count("recovered"),
    _count("absent"),
    _count("refused"),
    _defect("ghost", Needs.REQUESTS),
    _defect("phantom", Needs.MESSAGES),
    MetricDefinition("foreign", MetricKind.COUNT, needs=Needs.MESSAGES),
    _unreadable("malformed", opt_in=True),
    _defect("corrupted", Needs.EVENTS),
    _defect("reordered", Needs.KEYS, opt_in=True),
    _defect("late", Needs.TIMES, opt_in=True),
    _unreadable("garbled"),
    _defect("misplaced", Needs.PLACES, opt_in=True),
    MetricDefinition("rps", MetricKind.RATE, Worse.FALLING, live=_GENERATORS),
    MetricDefinition("fail_ratio", MetricKind.RATIO, Worse.RISING, live=_GENERATORS),
    _duration("http", Needs.REQUESTS, _GENERATORS),
    _duration("from_intended", Needs.REQUESTS, _GENERATORS),
    _duration("end_to_end", Needs.TIMES),
    _duration("first_byte", Needs.FIRST_BYTES),
)
METRICS: Mapping[str, MetricDefinition] = {row.name: row for row in _TABLE}
"""Every metric by its name."""


def names_of(kind: MetricKind) -> tuple[str, ...]:
    """Return the names of all metrics of a kind, in the table's order."""
    return tuple(row.name for row in _TABLE if row.kind is kind)


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric as a threshold or limit names it.

    `event_type` is None for all types together; `aggregate` is empty except for durations.
    """

    name: str
    event_type: str | None = None
    aggregate: str = ""

    @property
    def definition(self) -> MetricDefinition:
        """Its row of the table."""
        return METRICS[self.name]

    @property
    def kind(self) -> MetricKind:
        """The kind of its row."""
        return self.definition.kind

    def show(self, value: float) -> str:
        """Format a value in the unit of its limits."""
        match self.kind:
            case MetricKind.COUNT:
                return f"{value:,.0f}"
            case MetricKind.RATE:
                return f"{value:,.1f}/s"
            case MetricKind.RATIO:
                return f"{100 * value:.3g}%"
            case MetricKind.DURATION:
                return f"{value:,.1f}ms"

    def __str__(self) -> str:
        """Format it as thresholds and limits write it."""
        narrowed = "" if self.event_type is None else f"{{{FILTER}={self.event_type}}}"
        return f"{self.name}{narrowed}{self.aggregate and '.'}{self.aggregate}"
