"""The exported metrics: their names, and that pages and the dashboard know the same."""

import json
import re
from pathlib import Path

from headcount_analysis.classes_and_flags import COUNT_KEYS

from headcount.run.request_outcome import Outcome
from headcount.telemetry.exported_metrics import CLASSES, FLAGS, METRICS, InstrumentKind
from headcount.telemetry.resource_attributes import resource_attributes
from tests.manifests import MANIFEST

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "metrics.md"
DASHBOARD = ROOT / "headcount" / "telemetry" / "dashboard.json"


def test_every_count_of_the_verdict_is_exported() -> None:
    """As an outcome, a class or a flag; and nothing that the verdict does not count."""
    assert {*Outcome, *CLASSES, *FLAGS, "attempted"} == set(COUNT_KEYS)


def test_names_follow_the_conventions() -> None:
    """Of Prometheus: a unit and `_total` where they belong; and each name is used once."""
    names = [metric.prometheus_name for metric in METRICS]
    assert len(set(names)) == len(names)
    for metric in METRICS:
        assert re.fullmatch(r"headcount(_[a-z]+)+", metric.prometheus_name)
        assert metric.prometheus_name.endswith("_total") == (metric.kind is InstrumentKind.COUNTER)
        assert ("_seconds" in metric.prometheus_name) == (metric.unit == "s")


def test_the_page_lists_every_metric() -> None:
    """With the names in both systems, the kind, the labels and the meaning."""
    rows = [
        f"| `{metric.prometheus_name}` | `{metric.name}` | {metric.kind} | "
        f"{', '.join(f'`{label}`' for label in metric.labels) or 'none'} | {metric.meaning} |"
        for metric in METRICS
    ]
    table = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `headcou")]
    assert table == rows


def test_the_dashboard_asks_for_exported_metrics() -> None:
    """Every name in its queries is a metric, and every panel has a title and its own id."""
    names = {metric.prometheus_name for metric in METRICS}
    names |= {f"{name}_bucket" for name in names}
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    asked = {
        name
        for panel in panels
        for target in panel["targets"]
        for name in re.findall(r"\bheadcount_[a-z_]+", target["expr"])
    }
    assert asked - {"headcount_run_id"} <= names
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["title"] for panel in panels)


def test_a_run_is_told_from_others() -> None:
    """By its id and scenario; OpenTelemetry's variables add attributes and replace the name."""
    attributes = resource_attributes(MANIFEST, {})
    assert attributes["service.name"] == "headcount"
    assert attributes["headcount.run.id"] == attributes["service.instance.id"] == "run-1"
    assert attributes["headcount.scenario"] == "mixed"
    environ = {
        "OTEL_RESOURCE_ATTRIBUTES": "team=a%2Cb, env=ci,mistake",
        "OTEL_SERVICE_NAME": "gate",
    }
    more = resource_attributes(MANIFEST, environ)
    assert (more["team"], more["env"], more["service.name"]) == ("a,b", "ci", "gate")
    assert "mistake" not in more
