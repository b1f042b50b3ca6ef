"""The Prometheus page and the OTLP message: both have the same values."""

import pytest
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from headcount.telemetry import exported_metrics as exported
from headcount.telemetry.export.otlp_message import otlp_message
from headcount.telemetry.export.prometheus_page import prometheus_page
from headcount.telemetry.exported_metrics import METRICS, InstrumentKind
from headcount.telemetry.run_points import RunJudgement, run_points
from tests.headcount.telemetry.export.receivers import ReceivedMetrics
from tests.headcount.telemetry.sample import EVENT_TYPE, TOTALS, VERDICT

LIVE = run_points(TOTALS, None)
JUDGED = run_points(TOTALS, RunJudgement(VERDICT))
RESOURCE = {"service.name": "headcount", "headcount.run.id": 'a "run"'}


def samples_of() -> list[Sample]:
    """Return the samples of the page of a judged run."""
    text = prometheus_page(JUDGED, RESOURCE, "").content.decode()
    families = text_string_to_metric_families(text)
    return [sample for family in families for sample in family.samples]


def sum_of(name: str, **labels: str) -> float:
    """Return the sum of a page's samples that have these labels."""
    return sum(
        sample.value
        for sample in samples_of()
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def test_the_page() -> None:
    """Counters, gauges, cumulative buckets, and the resource as `target_info`."""
    failed = {"outcome": "failed", "status_class": "4xx", "event_type": EVENT_TYPE}
    assert sum_of("headcount_requests_total", **failed) == 2
    assert sum_of("headcount_events", **{"class": "lost", "event_type": EVENT_TYPE}) == 2
    assert sum_of("headcount_verdict", verdict="fail") == 1
    assert sum_of("target_info", service_name="headcount", headcount_run_id='a "run"') == 1
    name = exported.DURATION.prometheus_name
    cumulative = [sum_of(f"{name}_bucket", le=bound) for bound in ("0.0025", "0.005", "+Inf")]
    assert cumulative == [0, 6, 11]
    assert sum_of(f"{name}_sum", event_type=EVENT_TYPE) == pytest.approx(1.024)


def test_the_format_that_is_asked_for() -> None:
    """Prometheus asks for OpenMetrics, other readers for text."""
    assert prometheus_page(LIVE, RESOURCE, "").content_type.startswith("text/plain")
    page = prometheus_page(LIVE, RESOURCE, "application/openmetrics-text; version=1.0.0")
    assert page.content_type.startswith("application/openmetrics-text")
    assert page.content.endswith(b"# EOF\n")


def test_a_page_before_the_first_run() -> None:
    """It is empty, and not an error."""
    assert prometheus_page((), {}, "").content == b""


def test_the_message_has_the_same_values() -> None:
    """As the page, metric by metric, with the same resource and the time of the run's begin."""
    received = ReceivedMetrics()
    received.requests.append(encode_metrics(otlp_message(JUDGED, RESOURCE, 5, 9)))
    assert received.resource == RESOURCE
    assert list(received.metrics) == [
        metric.name for metric in METRICS if any(point.metric is metric for point in JUDGED)
    ]
    for metric in METRICS:
        if metric.kind is InstrumentKind.HISTOGRAM or not metric.labels:
            continue
        label = metric.labels[-1]
        for value, number in received.numbers(metric.name, label).items():
            assert number == sum_of(metric.prometheus_name, **{label: value}), (metric.name, value)
    (counter,) = {
        (point.start_time_unix_nano, point.time_unix_nano)
        for point in received.metrics[exported.REQUESTS.name].sum.data_points
    }
    assert counter == (5, 9)
    assert received.metrics[exported.REQUESTS.name].sum.is_monotonic
    (histogram,) = received.metrics[exported.DURATION.name].histogram.data_points
    assert (histogram.count, sum(histogram.bucket_counts)) == (11, 11)
    assert len(histogram.bucket_counts) == len(histogram.explicit_bounds) + 1
    assert not histogram.HasField("min")
