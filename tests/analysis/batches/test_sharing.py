"""Sharing: what is read once for many messages is what each of them would be read as alone."""

import json
from random import Random
from typing import Any

import pyarrow as pa
from headcount_analysis.batches.content import Reader
from headcount_analysis.batches.expected import Expected
from headcount_analysis.formats.catalogue import format_of
from headcount_analysis.read.topic_range import MESSAGES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headcount.ledger.event_digest import shape
from headcount.run.id_form import IdForm, RunIds
from headcount.run.id_location import parse_location
from headcount.run.message_format import FormatSettings
from tests.analysis.batches.hostile import ASKED, ENVELOPES, OWN, TAG, UNIQUE, batch, templates

PLACES: dict[str, dict[str, object]] = {
    "field:X-Event-Id": {"x_event_id": OWN},
    "field:id": {"id": OWN},
    "json:/meta/id": {"meta": {"id": OWN, "ref": UNIQUE}},
    "json:/meta/X-Event-Id": {"meta": {"x_event_id": OWN}},
    "json:/X-Event-Id": {"HTTP_X_EVENT_ID": OWN},
    "json:/data/id": {"id": OWN},
    "json:/data/X-Event-Id": {"x_event_id": OWN},
    "json:/ext": {"ext": OWN},
    "json:/meta/0": {"meta": [OWN]},
    **{place: {} for place in ("header:id", "header:Größe", "header:ce_id", "key", "traceparent")},
}
"""Places of ids, each with fields that carry one there in some formats."""

FORMATS = [FormatSettings(*at) for at in ENVELOPES]
SHAPES = [
    shape(event)
    for event in (
        {},
        {"quantity": 1},
        {"event_type": "a", "quantity": 1},
        {"meta": {"id": "1"}},
        {"meta": {"ref": "1"}, "data": 1},
        {"meta": "1"},
        {"id": "1"},
        {"ref": 1.5},
    )
]
CHECKED_ROWS = 20
CHECKED = ["kind", "claimed_id", "generator", "seq", "event_type", "digests", "defect"]

Rows = list[dict[str, Any]]


def read(reader: Reader, messages: Rows) -> Rows:
    """Return the checked columns of messages that a reader reads as one batch."""
    (rows,) = pa.Table.from_pylist(messages, MESSAGES).combine_chunks().to_batches()
    arrivals: Rows = reader.arrivals(rows).select(CHECKED).to_pylist()
    return arrivals


def read_together(expected: Expected, messages: Rows) -> Rows:
    """Return what is read of messages that are one batch."""
    return read(Reader(expected), messages)


def read_alone(expected: Expected, messages: Rows) -> Rows:
    """Return what is read of messages, each by a reader that never saw another."""
    return [row for message in messages for row in read(Reader(expected), [message])]


@st.composite
def hostile_runs(draw: st.DrawFn) -> tuple[Expected, Rows, Rows]:
    """Draw what messages should look like, and two batches of messages."""
    place, message_format = draw(st.sampled_from([*PLACES])), draw(st.sampled_from(FORMATS))
    form = IdForm.TRACE if place == "traceparent" else draw(st.sampled_from(IdForm))
    shapes = draw(st.lists(st.sampled_from(SHAPES), max_size=3, unique=True))
    ids = RunIds(TAG, form)
    expected = Expected(
        ids, parse_location(place), ASKED, shapes, message_format=format_of(message_format)
    )
    at = message_format.name, message_format.compare_at
    chosen = draw(st.lists(templates(at, PLACES[place]), min_size=1, max_size=4))
    seed, size = draw(st.integers(0, 1000)), draw(st.sampled_from([6, 90]))
    return expected, batch(chosen, seed, size, ids), batch(chosen, seed + 1, size, ids)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(hostile_runs())
def test_a_batch_is_read_as_its_messages_alone(drawn: tuple[Expected, Rows, Rows]) -> None:
    """In every format, with every form of ids and at every place, however alike messages seem."""
    expected, *batches = drawn
    reader = Reader(expected)
    for messages in batches:
        together = read(reader, messages)
        rows = range(len(messages))
        for place in Random(len(messages)).sample(rows, min(len(messages), CHECKED_ROWS)):
            (alone,) = read_alone(expected, messages[place : place + 1])
            assert together[place] == alone, shown(messages[place])


def shown(message: dict[str, Any]) -> str:
    """Format a message for a failure."""
    return json.dumps({key: repr(message[key]) for key in ("value", "key", "headers")}, indent=1)
