"""The commands in the examples' READMEs: Headcount accounts for each service with its options."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.command import CompletedCommand, headcount
from tests.examples.walkthrough import (
    OPENTELEMETRY,
    PLACE,
    RunningExample,
    Surroundings,
    Walkthrough,
    marked,
    started,
)

pytestmark = pytest.mark.e2e

ENDING = "\n\nfrom tests.headcount.plugin import ending  # adds a listener\n"


@pytest.mark.parametrize("walkthrough", marked(of_run=True))
def test_a_run(walkthrough: Walkthrough, surroundings: Surroundings) -> None:
    """With the README's options, every order is accounted for."""
    with started(walkthrough, surroundings) as example:
        run = a_counted_run(walkthrough, example, surroundings.folder)
    assert_all_delivered(run, event_type(walkthrough))


@pytest.mark.heavy
def test_traces_that_are_not_sampled(surroundings: Surroundings) -> None:
    """A run passes although OpenTelemetry's sampler is off."""
    environ = {**surroundings.environ, "OTEL_TRACES_SAMPLER": "always_off"}
    with started(OPENTELEMETRY, replace(surroundings, environ=environ)) as example:
        run = a_counted_run(OPENTELEMETRY, example, surroundings.folder)
    assert_all_delivered(run, event_type(OPENTELEMETRY))


@pytest.mark.slow
def test_a_dropped_event(surroundings: Surroundings) -> None:
    """Without a sampled trace, too, the run names the one event that did not arrive."""
    environ = {**surroundings.environ, "OTEL_TRACES_SAMPLER": "always_off", "DROP": "7"}
    dropping = ("tests/harmful/dropping.py",)
    with started(OPENTELEMETRY, replace(surroundings, environ=environ), dropping) as example:
        run = a_counted_run(OPENTELEMETRY, example, surroundings.folder)
    (log,) = example.logs
    (trace_id,) = re.findall(r"dropped .*00-([0-9a-f]{32})-[0-9a-f]{16}-00", log.read_text())
    (row,) = run.table("exceptions.csv")
    assert (row["class"], row["id"], run.code) == ("lost", trace_id, 1), (run.err, run.out)


def assert_all_delivered(run: CompletedCommand, name: str) -> None:
    """Check that a run passed, with at least 60 events of one type and no exception."""
    assert (run.code, run.verdict["verdict"]) == (0, "pass"), (run.err, run.out)
    (row, total) = run.table("summary.csv")
    assert row["event_type"] == name
    assert int(row["delivered"]) == int(total["attempted"]) >= 60
    assert run.table("exceptions.csv") == []


def a_counted_run(
    walkthrough: Walkthrough, example: RunningExample, folder: Path
) -> CompletedCommand:
    """Run the README's command until enough orders are made."""
    command, locustfile, *options = example.adapt(walkthrough.run)
    scenario = (PLACE.parent / locustfile).read_text() + ENDING
    own_locustfile = folder / "scenario.py"
    own_locustfile.write_text(scenario.replace("/order-events", f"/{example.topic}"))
    plan = ("-u", "20", "-t", "10m", "--seed", "1", "--run-id", "run-1")
    reports = ("--reports-dir", str(folder / "reports"))
    arguments = (command, str(own_locustfile), *options, *plan, *reports)
    return headcount(folder / "reports", *arguments)


def event_type(walkthrough: Walkthrough) -> str:
    """The event type that the scenario gives its requests."""
    text = (PLACE / walkthrough.folder / "locustfile.py").read_text()
    (name,) = re.findall(r'event_type="([^"]+)"', text)
    return str(name)
