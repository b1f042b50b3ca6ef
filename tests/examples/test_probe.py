"""A probe of each example finds options with which a run can read its ids and its orders."""

import shlex

import pytest

from tests.e2e.command import headcount
from tests.examples.walkthrough import PLACE, Surroundings, Walkthrough, marked, started

pytestmark = pytest.mark.e2e

CORRELATION = "--id-form uuid --id-header X-Correlation-Id --id-at"
KEY = "--id-form uuid --id-header Idempotency-Key --id-at"
OPTIONS = {
    "opentelemetry": "--id-form trace",
    "fastapi": "",
    "nested": "--id-at json:/request_headers/X-Event-Id --compare-at /order",
    "debezium: The outbox event router": f"{KEY} header:id --format debezium",
    "debezium: Change events of a table": f"{KEY} field:id --format debezium",
    "cloudevents: Binary content mode": f"{CORRELATION} header:ce_correlationid "
    "--format cloudevents",
    "cloudevents: Structured content mode": f"{CORRELATION} json:/correlationid "
    "--format cloudevents",
    "rest_proxy": "--id-at field:order_id",
    "express": "--id-form uuid --id-header X-Request-Id --id-at header:x-request-id",
}


@pytest.mark.parametrize("walkthrough", marked(of_run=False))
def test_a_probe(walkthrough: Walkthrough, surroundings: Surroundings) -> None:
    """Without an option, it finds the topic, the id, the format and the compared object."""
    with started(walkthrough, surroundings) as example:
        text = (PLACE / walkthrough.folder / "locustfile.py").read_text()
        scenario = surroundings.folder / "scenario.py"
        scenario.write_text(text.replace("/order-events", f"/{example.topic}"))
        target = ("--host", example.url, "--bootstrap-servers", example.bootstrap_servers)
        probed = headcount(surroundings.folder, "probe", str(scenario), *target, "--settle", "60s")
    assert probed.code == 0, (probed.out, probed.err)
    words = shlex.split(probed.out.partition("Use:\n")[2].replace("\\\n", ""))
    expected = [*target, "--topic", example.topic, *OPTIONS[str(walkthrough)].split()]
    assert words == ["headcount", "run", str(scenario), *expected]
