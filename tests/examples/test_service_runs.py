"""The commands in the examples' READMEs: Headcount accounts for each service with its options."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.command import CompletedCommand, headcount
from tests.examples.walkthrough import PLACE, Surroundings, Target, Walkthrough, started

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ENDING = "\n\nfrom tests.headcount.plugin import ending  # adds a listener\n"
OPENTELEMETRY = Walkthrough("opentelemetry")

WALKTHROUGHS = (
    OPENTELEMETRY,
    Walkthrough("fastapi"),
    Walkthrough("nested"),
    Walkthrough("debezium", "The outbox event router"),
    Walkthrough("debezium", "Change events of a table"),
    Walkthrough("cloudevents", "Binary content mode"),
    Walkthrough("cloudevents", "Structured content mode"),
    Walkthrough("rest_proxy"),
    Walkthrough("express"),
)


@pytest.mark.parametrize("walkthrough", WALKTHROUGHS, ids=str)
def test_a_run(walkthrough: Walkthrough, surroundings: Surroundings) -> None:
    """With the README's options, every order is accounted for."""
    with started(walkthrough, surroundings) as target:
        run = a_counted_run(walkthrough, target, surroundings.folder)
    assert (run.code, run.verdict["verdict"]) == (0, "pass"), (run.err, run.out)
    (row, total) = run.table("summary.csv")
    assert row["event_type"] == event_type(walkthrough)
    assert int(row["delivered"]) == int(total["attempted"]) >= 60
    assert run.table("exceptions.csv") == []


def test_a_dropped_event(surroundings: Surroundings) -> None:
    """Without a sampled trace, too, the run names the one event that did not arrive."""
    environ = {**surroundings.environ, "OTEL_TRACES_SAMPLER": "always_off", "DROP": "7"}
    dropping = ("tests/harmful/dropping.py",)
    with started(OPENTELEMETRY, replace(surroundings, environ=environ), dropping) as target:
        run = a_counted_run(OPENTELEMETRY, target, surroundings.folder)
    (log,) = target.logs
    (trace_id,) = re.findall(r"dropped .*00-([0-9a-f]{32})-[0-9a-f]{16}-00", log.read_text())
    (row,) = run.table("exceptions.csv")
    assert (row["class"], row["id"], run.code) == ("lost", trace_id, 1), (run.err, run.out)


def a_counted_run(walkthrough: Walkthrough, target: Target, folder: Path) -> CompletedCommand:
    """Run the README's command until enough orders are made."""
    command, locustfile, *options = target.adapt(walkthrough.run)
    scenario = (PLACE.parent / locustfile).read_text() + ENDING
    own_locustfile = folder / "scenario.py"
    own_locustfile.write_text(scenario.replace("/order-events", f"/{target.topic}"))
    plan = ("-u", "20", "-t", "10m", "--seed", "1", "--run-id", "run-1")
    reports = ("--reports-dir", str(folder / "reports"))
    arguments = (command, str(own_locustfile), *options, *plan, *reports)
    return headcount(folder / "reports", *arguments)


def event_type(walkthrough: Walkthrough) -> str:
    """The event type that the scenario gives its requests."""
    text = (PLACE / walkthrough.folder / "locustfile.py").read_text()
    (name,) = re.findall(r'event_type="([^"]+)"', text)
    return str(name)
