"""The Prometheus page: a run's points in Prometheus' text format, or in OpenMetrics."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import NamedTuple

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from headcount.monitor.duration_histogram import BOUNDS_S, DurationCounts
from headcount.telemetry.exported_metrics import METRICS, ExportedMetric, InstrumentKind
from headcount.telemetry.run_points import RunPoint

_SUFFIX = "_total"
"""prometheus_client adds it to the names of counters."""
_BOUNDS = (*map(floatToGoString, BOUNDS_S), "+Inf")


class PrometheusPage(NamedTuple):
    """A page, and its content type."""

    content: bytes
    content_type: str


def prometheus_page(
    points: Iterable[RunPoint], resource: Mapping[str, str], accept: str
) -> PrometheusPage:
    """Return a page in the format that an `Accept` header asks for; empty if there is no run."""
    encode, content_type = choose_encoder(accept)
    return PrometheusPage(encode(_Families(tuple(points), resource)), content_type)


class _Families(Collector):
    """The metric families of a page."""

    def __init__(self, points: tuple[RunPoint, ...], resource: Mapping[str, str]) -> None:
        self._points, self._resource = points, resource

    def collect(self) -> Iterator[Metric]:
        """Yield `target_info` and each metric that has points."""
        if self._resource:
            labels = {name.replace(".", "_"): value for name, value in self._resource.items()}
            yield InfoMetricFamily("target", "The run that the metrics belong to", value=labels)
        for metric in METRICS:
            points = [point for point in self._points if point.metric is metric]
            if points:
                yield _family(metric, points)


def _family(metric: ExportedMetric, points: Iterable[RunPoint]) -> Metric:
    name = metric.prometheus_name.removesuffix(_SUFFIX)
    if metric.kind is InstrumentKind.HISTOGRAM:
        histogram = HistogramMetricFamily(name, metric.meaning, labels=metric.labels)
        for point in points:
            assert isinstance(point.value, DurationCounts)
            histogram.add_metric(point.labels, _buckets(point.value), point.value.sum_s)
        return histogram
    kind = CounterMetricFamily if metric.kind is InstrumentKind.COUNTER else GaugeMetricFamily
    family = kind(name, metric.meaning, labels=metric.labels)
    for point in points:
        assert not isinstance(point.value, DurationCounts)
        family.add_metric(point.labels, point.value)
    return family


def _buckets(counts: DurationCounts) -> list[tuple[str, float]]:
    return list(zip(_BOUNDS, accumulate(counts.buckets), strict=True))
