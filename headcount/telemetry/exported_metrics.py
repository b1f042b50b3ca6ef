"""The exported metrics: their names, units and labels. Pure; `docs/metrics.md` has the same table.

Names and units follow OpenTelemetry's conventions. `prometheus_name` derives the name in Prometheus
from them, as OpenTelemetry's specification of compatibility with Prometheus says.
"""

from dataclasses import dataclass
from enum import StrEnum

CLASSES = (
    *("delivered", "lost", "duplicated", "recovered", "absent", "refused", "ghost"),
    *("phantom", "foreign", "malformed"),
)
"""The classes of events and messages in verdict.json."""

FLAGS = ("corrupted", "reordered", "late", "misplaced", "garbled")
"""What verdict.json counts in addition to a class."""


class InstrumentKind(StrEnum):
    """What a metric's values are."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class ExportedMetric:
    """A metric; `unit` is empty for a number without one, and in braces if it is only a noun."""

    name: str
    kind: InstrumentKind
    unit: str
    labels: tuple[str, ...]
    meaning: str

    @property
    def prometheus_name(self) -> str:
        """The name in Prometheus, such as `headcount_requests_total`."""
        unit = "_seconds" if self.unit == "s" else ""
        suffix = "_total" if self.kind is InstrumentKind.COUNTER else ""
        return f"{self.name.replace('.', '_')}{unit}{suffix}"


REQUESTS = ExportedMetric(
    "headcount.requests",
    InstrumentKind.COUNTER,
    "{request}",
    ("event_type", "outcome", "status_class"),
    "Requests that have ended",
)
DURATION = ExportedMetric(
    "headcount.request.duration",
    InstrumentKind.HISTOGRAM,
    "s",
    ("event_type",),
    "Time from sending a request until it ended",
)
DURATION_FROM_INTENDED = ExportedMetric(
    "headcount.request.duration.from_intended",
    InstrumentKind.HISTOGRAM,
    "s",
    ("event_type",),
    "Time from when a request was due until it ended; without --rate, the same as the duration",
)
IN_FLIGHT = ExportedMetric(
    "headcount.requests.in_flight",
    InstrumentKind.GAUGE,
    "{request}",
    ("event_type",),
    "Requests that have started and not ended",
)
BEHIND = ExportedMetric(
    "headcount.events.behind",
    InstrumentKind.GAUGE,
    "{event}",
    (),
    "Acknowledged events not yet seen in the topic",
)
MISSING = ExportedMetric(
    "headcount.events.missing",
    InstrumentKind.GAUGE,
    "{event}",
    (),
    "Events acknowledged longer ago than --settle and not seen in the topic; they may still arrive",
)
SCHEDULE_LAG = ExportedMetric(
    "headcount.schedule.lag",
    InstrumentKind.GAUGE,
    "s",
    (),
    "Lateness of arrivals, or of a generator's timers, in the last second; maximum over all "
    "generators",
)
DROPPED = ExportedMetric(
    "headcount.schedule.dropped",
    InstrumentKind.COUNTER,
    "{arrival}",
    (),
    "Arrivals of --rate that could not start in time",
)
EVENTS = ExportedMetric(
    "headcount.events",
    InstrumentKind.GAUGE,
    "{event}",
    ("event_type", "class"),
    "Events and messages by class, as in verdict.json; known once the run is judged",
)
FLAGGED = ExportedMetric(
    "headcount.events.flagged",
    InstrumentKind.GAUGE,
    "{event}",
    ("event_type", "flag"),
    "Events and messages with a flag, such as corrupted or garbled; known once the run is judged",
)
VERDICT = ExportedMetric(
    "headcount.verdict",
    InstrumentKind.GAUGE,
    "",
    ("verdict",),
    "1 for the verdict of the run, 0 for every other; known once the run is judged",
)
EXIT_CODE = ExportedMetric(
    "headcount.exit_code",
    InstrumentKind.GAUGE,
    "",
    (),
    "The exit code of the verdict; known once the run is judged",
)

METRICS = (
    *(REQUESTS, DURATION, DURATION_FROM_INTENDED, IN_FLIGHT, BEHIND, MISSING, SCHEDULE_LAG),
    *(DROPPED, EVENTS, FLAGGED, VERDICT, EXIT_CODE),
)
"""All metrics, in the order of the pages."""
