"""Live totals: the sums of all generators' reports since the run began. Pure."""

from collections import Counter
from dataclasses import dataclass, field

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as validated

from headcount.monitor.duration_histogram import DurationCounts
from headcount.monitor.progress import Progress
from headcount.run.request_outcome import Outcome

SUCCESS, NO_RESPONSE = "2xx", "none"
"""The status class of an acknowledgement, and of a request without a response."""

_MS_PER_S = 1000


@validated(frozen=True, slots=True)
class EndedRequests:
    """How many requests ended in the same way."""

    event_type: str
    outcome: str
    status_class: str
    count: int


@validated(frozen=True, slots=True)
class LiveTotals:
    """The sums at one moment; `behind` and `missing` are None while nothing reads the topic."""

    requests: tuple[EndedRequests, ...] = ()
    http: dict[str, DurationCounts] = field(default_factory=dict)
    from_intended: dict[str, DurationCounts] = field(default_factory=dict)
    in_flight: dict[str, int] = field(default_factory=dict)
    schedule_lag_s: float = 0.0
    dropped: int = 0
    behind: int | None = None
    missing: int | None = None


_TOTALS = TypeAdapter(LiveTotals)


def dump_totals(totals: LiveTotals) -> bytes:
    """Serialize totals as JSON."""
    return _TOTALS.dump_json(totals)


def load_totals(content: bytes) -> LiveTotals | None:
    """Parse totals; None if the content is not whole."""
    try:
        return _TOTALS.validate_json(content)
    except ValidationError:
        return None


@dataclass(slots=True)
class RunTotals:
    """Adds up the reports of all generators of a run."""

    _ended: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _begun: dict[int, dict[str, int]] = field(default_factory=dict)
    _http: dict[str, DurationCounts] = field(default_factory=dict)
    _from_intended: dict[str, DurationCounts] = field(default_factory=dict)
    _lag_ms: dict[int, float] = field(default_factory=dict)
    _dropped: dict[int, int] = field(default_factory=dict)

    def receive(self, progress: Progress) -> None:
        """Add a generator's report."""
        self._begun[progress.generator] = dict(progress.begun)
        self._lag_ms[progress.generator] = progress.lag_ms
        self._dropped[progress.generator] = progress.dropped
        for ended in progress.ended:
            status_class = status_class_of(ended.outcome, ended.cause)
            self._ended[ended.event_type, ended.outcome, status_class] += ended.count
        for totals, new in (
            (self._http, progress.http),
            (self._from_intended, progress.from_intended),
        ):
            for name, counts in new.items():
                totals[name] = totals.get(name, DurationCounts()) + counts

    def totals(self, behind: int | None, missing: int | None) -> LiveTotals:
        """Return the sums so far, with what the topic's readers know."""
        return LiveTotals(
            requests=tuple(EndedRequests(*key, n) for key, n in sorted(self._ended.items())),
            http=dict(self._http),
            from_intended=dict(self._from_intended),
            in_flight=self._in_flight(),
            schedule_lag_s=max(self._lag_ms.values(), default=0.0) / _MS_PER_S,
            dropped=sum(self._dropped.values()),
            behind=behind,
            missing=missing,
        )

    def _in_flight(self) -> dict[str, int]:
        begun, ended = Counter[str](), Counter[str]()
        for by_type in self._begun.values():
            begun.update(by_type)
        for (event_type, _, _), count in self._ended.items():
            ended[event_type] += count
        return {name: max(0, count - ended[name]) for name, count in begun.items()}


def status_class_of(outcome: str, cause: str) -> str:
    """Return the class of a response's status, such as 5xx, by how a request ended."""
    if not cause and outcome == Outcome.ACKED:
        return SUCCESS
    is_status = len(cause) == len(SUCCESS) and cause.isdecimal()
    return f"{cause[0]}xx" if is_status else NO_RESPONSE
