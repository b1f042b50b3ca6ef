"""The example services, without a run: each puts the request's id where its README says."""

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
import requests
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from headcount.run.id_form import IdForm, RunIds
from headcount.run.id_location import default_header
from headcount.run.ids import new_tag
from tests.examples.walkthrough import PLACE, Surroundings, Target, Walkthrough, started

pytestmark = pytest.mark.e2e

ORDER = {"item": "apple", "quantity": 3}
MOST_LINES = 15
DEADLINE_S = 60.0

OPENTELEMETRY = Walkthrough("opentelemetry")


@dataclass(frozen=True, slots=True)
class Published:
    """A record: its value decoded, its headers as text."""

    value: Any
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Example:
    """An example, and where its records carry the id and the order."""

    walkthrough: Walkthrough
    id_of: Callable[[Published], object]
    order_of: Callable[[Published], dict[str, object]] = lambda record: record.value

    def __str__(self) -> str:
        """Name it in the ids of tests."""
        return str(self.walkthrough)


EXAMPLES = (
    Example(OPENTELEMETRY, lambda record: record.headers["traceparent"].split("-")[1]),
    Example(Walkthrough("fastapi"), lambda record: record.value["x-event-id"]),
    Example(
        Walkthrough("nested"),
        lambda record: record.value["request_headers"]["X-Event-Id"],
        lambda record: record.value["order"],
    ),
    Example(
        Walkthrough("debezium", "The outbox event router"),
        lambda record: record.headers["id"],
        lambda record: json.loads(record.value["payload"]),
    ),
    Example(
        Walkthrough("debezium", "Change events of a table"),
        lambda record: record.value["after"]["id"],
        lambda record: record.value["after"],
    ),
    Example(
        Walkthrough("cloudevents", "Binary content mode"),
        lambda record: record.headers["ce_correlationid"],
    ),
    Example(
        Walkthrough("cloudevents", "Structured content mode"),
        lambda record: record.value["correlationid"],
        lambda record: record.value["data"],
    ),
    Example(Walkthrough("rest_proxy"), lambda record: record.value["order_id"]),
    Example(Walkthrough("express"), lambda record: record.headers["x-request-id"]),
)
FOLDERS = sorted({example.walkthrough.folder for example in EXAMPLES})


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_where_the_id_is(example: Example, surroundings: Surroundings) -> None:
    """One request causes one record, with the order and, at the documented place, the id."""
    with started(example.walkthrough, surroundings) as target:
        event_id = place_order(example.walkthrough, target)
        record = only_record(target)
    assert example.id_of(record) == event_id
    assert ORDER.items() <= example.order_of(record).items()


def test_a_trace_that_is_not_sampled(surroundings: Surroundings) -> None:
    """OpenTelemetry carries the trace-id on although its sampler is off."""
    environ = {**surroundings.environ, "OTEL_TRACES_SAMPLER": "always_off"}
    with started(OPENTELEMETRY, replace(surroundings, environ=environ)) as target:
        trace_id = place_order(OPENTELEMETRY, target)
        _, recorded_id, _, flags = only_record(target).headers["traceparent"].split("-")
    assert (recorded_id, flags) == (trace_id, "00")


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_short_locustfile(folder: str) -> None:
    """A scenario for an example is at most 15 lines long."""
    lines = (PLACE / folder / "locustfile.py").read_text().splitlines()
    assert len(lines) <= MOST_LINES


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_service_that_does_not_know_headcount(folder: str) -> None:
    """No program of an example mentions Headcount or the header of its ids."""
    programs = (path for path in (PLACE / folder).iterdir() if path.suffix in {".py", ".js"})
    for path in programs:
        if path.name != "locustfile.py":
            text = path.read_text().lower()
            assert "headcount" not in text
            assert "event-id" not in text


def place_order(walkthrough: Walkthrough, target: Target) -> str:
    """Place an order as Headcount would with the README's options; return its id."""
    form = IdForm(walkthrough.option("--id-form", IdForm.PLAIN))
    event_id = RunIds(new_tag(), form).text(0, 7)
    header = walkthrough.option("--id-header", default_header(form))
    sent = f"00-{event_id}-{event_id[-16:]}-01" if form is IdForm.TRACE else event_id
    path, body = "/orders", ORDER
    if walkthrough.folder == "rest_proxy":
        path, body = f"/topics/{target.topic}", {"order_id": event_id, **ORDER}
    response = requests.post(target.url + path, json=body, headers={header: sent}, timeout=60)
    assert response.ok, (response.status_code, [log.read_text() for log in target.logs])
    return event_id


def only_record(target: Target) -> Published:
    """Wait for the first record of the topic, and return it; there must be no other."""
    settings = {"bootstrap.servers": target.bootstrap_servers, "group.id": uuid.uuid4().hex}
    consumer = Consumer({**settings, "enable.auto.commit": False})
    deadline, records = time.monotonic() + DEADLINE_S, list[Message]()
    partitions = consumer.list_topics(target.topic).topics[target.topic].partitions
    consumer.assign(
        [TopicPartition(target.topic, number, OFFSET_BEGINNING) for number in partitions]
    )
    while not records:
        assert time.monotonic() < deadline, [log.read_text() for log in target.logs]
        records += consumer.consume(10, timeout=0.5)
    ends = [consumer.get_watermark_offsets(each)[1] for each in consumer.assignment()]
    consumer.close()
    assert sum(ends) == 1
    (record,) = records
    headers: list[tuple[str, bytes]] = list(record.headers() or ())  # type: ignore[arg-type]
    value = record.value()
    assert value is not None
    return Published(json.loads(value), {name: text.decode() for name, text in headers})
