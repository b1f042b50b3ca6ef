"""Sharing in formats with schemas: what is read once is what each message is read as alone."""

import itertools
from random import Random
from typing import Any

import pytest
from headcount_analysis.batches.content import Reader
from headcount_analysis.batches.expected import Expected
from headcount_analysis.formats.catalogue import format_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headcount.run.id_form import IdForm, RunIds
from headcount.run.id_location import parse_location
from headcount.run.message_format import FormatSettings
from tests.analysis.batches.hostile import ASKED, TAG
from tests.analysis.batches.hostile_frames import KINDS, SchemaMessages, framed_batch
from tests.analysis.batches.test_sharing import CHECKED_ROWS, Rows, read, read_alone
from tests.analysis.formats.stub_registry import StubRegistry

NAMES = ["at", "note", "quantity", "ref", "event_type", "X_Event_Id"]
SHAPES = ["quantity", "", "quantity,ref", '{"quantity":1}', "event_type"]
SIZE = 90
NUMBERS = itertools.count(1000)
"""The numbers of schemas; a process asks for each of them only once."""


PLACES = st.sampled_from(["field:X-Event-Id", "key", "json:/x_event_id"])
SHAPE_LISTS = st.lists(st.sampled_from(SHAPES), max_size=2, unique=True)


def schemas(name: str) -> st.SearchStrategy[list[dict[str, str]]]:
    """Draw the kinds of fields, by name, of one schema or two."""
    kinds = st.sampled_from(KINDS[name])
    fields = st.dictionaries(st.sampled_from(NAMES), kinds, min_size=1, max_size=6)
    return st.lists(fields, min_size=1, max_size=2)


@pytest.mark.parametrize("name", [*KINDS])
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    data=st.data(),
    place=PLACES,
    form=st.sampled_from(IdForm),
    shapes=SHAPE_LISTS,
    seed=st.integers(0, 1000),
)
def test_a_batch_is_read_as_its_messages_alone(
    registry: StubRegistry,
    name: str,
    *,
    data: st.DataObject,
    place: str,
    form: IdForm,
    shapes: list[str],
    seed: int,
) -> None:
    """Whatever the schema, with every form of ids, however alike messages seem."""
    frames = [SchemaMessages(name, next(NUMBERS), fields) for fields in data.draw(schemas(name))]
    for frame in frames:
        registry.has(frame.number, frame.schema, frame.kind)
    ids, message_format = RunIds(TAG, form), format_of(FormatSettings(name, "", registry.url))
    expected = Expected(ids, parse_location(place), ASKED, shapes, message_format=message_format)
    reader = Reader(expected)
    for batch in (framed_batch(frames, seed + more, SIZE, ids) for more in range(2)):
        check(reader, expected, batch)


def check(reader: Reader, expected: Expected, messages: list[Any]) -> Rows:
    """Check that a sample of messages is read together as alone, and return what is read."""
    together = read(reader, messages)
    for place in Random(len(messages)).sample(range(len(messages)), CHECKED_ROWS):
        (alone,) = read_alone(expected, messages[place : place + 1])
        assert together[place] == alone, messages[place]
    return together
