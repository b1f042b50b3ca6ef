"""The OTLP message: a run's points in OpenTelemetry's data model."""

from collections.abc import Iterable, Mapping

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from headcount.monitor.duration_histogram import BOUNDS_S, DurationCounts
from headcount.telemetry.exported_metrics import METRICS, ExportedMetric, InstrumentKind
from headcount.telemetry.run_points import RunPoint

SCOPE = "headcount"
_CUMULATIVE = AggregationTemporality.CUMULATIVE


def otlp_message(
    points: Iterable[RunPoint], resource: Mapping[str, str], began_at_ns: int, now_ns: int
) -> MetricsData:
    """Return a message; counters and histograms count since `began_at_ns`, in Unix time."""
    points = tuple(points)
    metrics = [
        Metric(
            metric.name, metric.meaning, metric.unit, _data(metric, of_metric, began_at_ns, now_ns)
        )
        for metric in METRICS
        if (of_metric := [point for point in points if point.metric is metric])
    ]
    scope = ScopeMetrics(InstrumentationScope(SCOPE), metrics, "")
    return MetricsData([ResourceMetrics(Resource(dict(resource)), [scope], "")])


def _data(
    metric: ExportedMetric, points: Iterable[RunPoint], began_at_ns: int, now_ns: int
) -> Sum | Gauge | Histogram:
    if metric.kind is InstrumentKind.HISTOGRAM:
        return Histogram([_histogram(point, began_at_ns, now_ns) for point in points], _CUMULATIVE)
    numbers = [_number(point, began_at_ns, now_ns) for point in points]
    if metric.kind is InstrumentKind.COUNTER:
        return Sum(numbers, _CUMULATIVE, is_monotonic=True)
    return Gauge(numbers)


def _number(point: RunPoint, began_at_ns: int, now_ns: int) -> NumberDataPoint:
    assert not isinstance(point.value, DurationCounts)
    return NumberDataPoint(_attributes(point), began_at_ns, now_ns, point.value)


def _histogram(point: RunPoint, began_at_ns: int, now_ns: int) -> HistogramDataPoint:
    counts = point.value
    assert isinstance(counts, DurationCounts)
    return HistogramDataPoint(
        attributes=_attributes(point),
        start_time_unix_nano=began_at_ns,
        time_unix_nano=now_ns,
        count=counts.count,
        sum=counts.sum_s,
        bucket_counts=counts.buckets,
        explicit_bounds=BOUNDS_S,
        min=None,  # type: ignore[arg-type] # the encoder leaves it out
        max=None,  # type: ignore[arg-type] # as above
    )


def _attributes(point: RunPoint) -> dict[str, str]:
    return dict(zip(point.metric.labels, point.labels, strict=True))
