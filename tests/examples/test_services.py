"""The example services, without a run: the options in their READMEs fit what they publish."""

import time
import uuid
from dataclasses import replace

import pytest
import requests
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition
from headcount_analysis.formats.catalogue import format_of
from headcount_analysis.id_places.catalogue import place_of
from headcount_analysis.messages.record import Record, headers_of

from headcount.run.id_form import IdForm, RunIds
from headcount.run.id_settings import IdSettings, parse_id_settings
from headcount.run.ids import new_tag
from headcount.run.message_format import FormatSettings
from tests.examples.walkthrough import (
    OPENTELEMETRY,
    PLACE,
    WALKTHROUGHS,
    RunningExample,
    Surroundings,
    Walkthrough,
    started,
)

pytestmark = pytest.mark.e2e

FOLDERS = sorted({walkthrough.folder for walkthrough in WALKTHROUGHS})
ORDER = {"item": "apple", "quantity": 3}
MOST_LINES = 15
DEADLINE_S = 60.0


@pytest.mark.parametrize("walkthrough", WALKTHROUGHS, ids=str)
def test_the_options(walkthrough: Walkthrough, surroundings: Surroundings) -> None:
    """One request causes one record; with the README's options its id and the order are found."""
    settings = id_settings(walkthrough)
    with started(walkthrough, surroundings) as example:
        event_id = place_order(walkthrough, settings, example)
        record = only_record(example)
    names = walkthrough.option("--format") or "json", walkthrough.option("--compare-at")
    message = format_of(FormatSettings(*names)).decode(record)
    place = place_of(settings.location, settings.header)
    assert (message.defect, place.seen(message, record).text) == (None, event_id)
    assert message.event is not None
    assert ORDER.items() <= message.event.items()


def test_a_trace_that_is_not_sampled(surroundings: Surroundings) -> None:
    """OpenTelemetry carries the trace-id on although its sampler is off."""
    environ = {**surroundings.environ, "OTEL_TRACES_SAMPLER": "always_off"}
    with started(OPENTELEMETRY, replace(surroundings, environ=environ)) as example:
        trace_id = place_order(OPENTELEMETRY, id_settings(OPENTELEMETRY), example)
        traceparent = dict(only_record(example).headers)["traceparent"]
    assert traceparent is not None
    _, recorded_id, _, flags = traceparent.split(b"-")
    assert (recorded_id.decode(), flags) == (trace_id, b"00")


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


def id_settings(walkthrough: Walkthrough) -> IdSettings:
    """The settings that result from the options of the README's run."""
    options = ("--id-form", "--id-header", "--id-at")
    return parse_id_settings(*map(walkthrough.option, options))


def place_order(walkthrough: Walkthrough, settings: IdSettings, example: RunningExample) -> str:
    """Place an order as Headcount would; return its id."""
    event_id = RunIds(new_tag(), settings.form).text(0, 7)
    is_trace = settings.form is IdForm.TRACE
    headers = {settings.header: f"00-{event_id}-{event_id[-16:]}-01" if is_trace else event_id}
    path, body = "/orders", ORDER
    if walkthrough.folder == "rest_proxy":
        path, body = f"/topics/{example.topic}", {"order_id": event_id, **ORDER}
    response = requests.post(example.url + path, json=body, headers=headers, timeout=60)
    assert response.ok, (response.status_code, [log.read_text() for log in example.logs])
    return event_id


def only_record(example: RunningExample) -> Record:
    """Wait for the first record of the topic, and return it; there must be no other."""
    consumer = Consumer(
        {
            "bootstrap.servers": example.bootstrap_servers,
            "group.id": uuid.uuid4().hex,
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 20,  # the other partitions are empty
        }
    )
    deadline, messages = time.monotonic() + DEADLINE_S, list[Message]()
    numbers = consumer.list_topics(example.topic).topics[example.topic].partitions
    starts = [TopicPartition(example.topic, number, OFFSET_BEGINNING) for number in numbers]
    consumer.assign(starts)
    while not messages:
        assert time.monotonic() < deadline, [log.read_text() for log in example.logs]
        messages += consumer.consume(1, timeout=0.5)
    ends = [consumer.get_watermark_offsets(start)[1] for start in starts]
    consumer.close()
    assert sum(ends) == 1
    (message,) = messages
    key, value = message.key(), message.value()
    assert isinstance(key, bytes | None)
    return Record(example.topic, 0, 0, key, value, headers_of(message))
