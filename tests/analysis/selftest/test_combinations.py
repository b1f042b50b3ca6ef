"""Combinations: in each place, form and format, the reader finds what the self-test injected."""

from collections import Counter

import pyarrow as pa
import pytest
from headcount_analysis.batches.content import Reader
from headcount_analysis.batches.expected import Expected
from headcount_analysis.formats.catalogue import format_of
from headcount_analysis.messages.kinds import MessageKind
from headcount_analysis.read.topic_range import MESSAGES
from headcount_analysis.selftest.combinations import combinations
from headcount_analysis.selftest.encoders.catalogue import FRAMED
from headcount_analysis.selftest.events import samples
from headcount_analysis.selftest.expected_labels import ExpectedLabels
from headcount_analysis.selftest.faults import Fault
from headcount_analysis.selftest.generate import Generation, Message
from headcount_analysis.selftest.message_writer import MessageStyle, MessageWriter
from headcount_analysis.selftest.plan import GENERATORS, PARTITIONS, make_plan

from headcount.errors import UsageError
from headcount.run.id_form import RunIds
from headcount.run.message_format import FormatSettings

EVENTS, FAULTS = 600, 300
STYLES = list(combinations())
SHAPES = sorted({sample.description.shape for sample in samples()})


def named(style: MessageStyle) -> str:
    """Name a combination."""
    ids, settings = style.ids, style.format
    return f"{settings.name}{settings.compare_at}-{ids.location}-{ids.form}"


def generated(style: MessageStyle) -> tuple[Generation, list[Message]]:
    """Generate a run with all faults that messages in a style can have."""
    faults = ExpectedLabels(MessageWriter(style, RunIds("0" * 10, style.ids.form))).faults
    plan = make_plan("selftest", EVENTS, faults, FAULTS, seed=3)
    messages: list[Message] = []
    generation = Generation(plan, messages.append, dict.fromkeys(range(PARTITIONS), 0), style)
    for generator in range(GENERATORS):
        list(generation.block(generator, 0, plan.attempted(generator)))
    generation.finish()
    return generation, messages


def arrivals(style: MessageStyle, generation: Generation, messages: list[Message]) -> pa.Table:
    """Read the messages as a run's."""
    next_offset: Counter[int] = Counter()
    rows = []
    for message in messages:
        offset = next_offset[message.partition]
        next_offset[message.partition] += 1
        headers = [{"key": name, "value": value} for name, value in message.headers]
        rows.append({**message._asdict(), "headers": headers, "offset": offset, "topic": "t"})
    plan = generation.plan
    asked = {generator: plan.attempted(generator) for generator in range(GENERATORS)}
    ids, chosen = RunIds(plan.tag, style.ids.form), format_of(style.format)
    expected = Expected(ids, style.ids.location, asked, SHAPES, None, style.ids.header, chosen)
    (batch,) = pa.Table.from_pylist(rows, MESSAGES).combine_chunks().to_batches()
    return Reader(expected).arrivals(batch)


def check(style: MessageStyle) -> None:
    """Check that each message has its kind, and each attempt's message its content."""
    generation, messages = generated(style)
    table = arrivals(style, generation, messages)

    seen = {}
    altered, claimed = set(), set()
    digests = {sample.description.digest for sample in samples()}
    for row in table.to_pylist():
        name = row["claimed_id"] or f"{row['partition']}:{row['offset']}"
        if row["kind"] == MessageKind.CLAIMED:
            claimed.add((row["generator"], row["seq"]))
            if digests.isdisjoint(row["digests"]):
                altered.add((row["generator"], row["seq"]))
        else:
            seen[name] = row["kind"]
    assert seen == generation.unowned
    lost = {Fault.DROPPED, Fault.UNANSWERED_DROPPED, Fault.REFUSED}
    faults = generation.plan.faults
    every = {(number % GENERATORS, number // GENERATORS) for number in range(EVENTS)}
    assert claimed == {attempt for attempt in every if faults.get(attempt) not in lost}
    if style.format.name != "raw":
        # An event of another type may equal another of the pool.
        assert altered <= generation.altered_fields.keys()
        assert len(altered) > len(generation.altered_fields) // 2


@pytest.mark.parametrize("style", STYLES, ids=named)
def test_the_reader_finds_what_was_injected(style: MessageStyle) -> None:
    """Each message without an attempt has its kind, and each attempt's message its content."""
    check(style)


@pytest.mark.slow
@pytest.mark.parametrize("name", FRAMED)
def test_the_reader_finds_what_was_injected_with_schemas(name: str, registry: str) -> None:
    """The same, with a schema in a real registry."""
    for style in combinations(registry, name):
        check(style)


def test_every_place_and_form_is_there() -> None:
    """Each format has each form of ids at each place that it can have."""
    places = {(style.format.name, str(style.ids.location.kind), style.ids.form) for style in STYLES}
    for name in ("json", "cloudevents", "debezium"):
        for kind in ("field", "json", "header", "key"):
            assert {
                form for format_name, at, form in places if (format_name, at) == (name, kind)
            } == {*("plain", "uuid", "trace")}
        assert (name, "traceparent", "trace") in places
    assert {at for format_name, at, _ in places if format_name == "raw"} == {
        "header",
        "key",
        "traceparent",
    }


def test_a_format_with_schemas_needs_a_registry() -> None:
    """It is left out of all, and an error if it is the only one."""
    assert not any(style.format.name == "avro" for style in STYLES)
    with pytest.raises(UsageError, match="--schema-registry"):
        list(combinations(only="avro"))
    url = "http://127.0.0.1:1"
    (first, *_) = combinations(url, "avro")
    assert first.format == FormatSettings("avro", "", url)
