"""Field spans: whatever is masked in messages with a schema, all other fields keep their values."""

import io
from collections.abc import Mapping
from random import Random
from typing import Any

import fastavro
import numpy as np
import pyarrow as pa
import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from headcount_analysis.field_spans.avro_spans import avro_record
from headcount_analysis.field_spans.byte_rows import ByteRows, ByteSpan
from headcount_analysis.field_spans.protobuf_spans import protobuf_spans
from headcount_analysis.field_spans.varints import Varints
from hypothesis import given
from hypothesis import strategies as st

from headcount.run.id_form import RunIds
from tests.analysis.batches.hostile import TAG
from tests.analysis.batches.hostile_frames import TYPES, values
from tests.analysis.formats.schemas import add_field, record_of

ROWS = 8
KINDS = [kind for kind in TYPES if kind not in {"enum", "fixed", "record", "decimal"}]
NESTED = {
    "optional list": ["null", {"type": "array", "items": ["null", "long"]}],
    "records": {"type": "array", "items": {**record_of(n="long"), "name": "Item"}},
}


@given(st.lists(st.binary(max_size=12), max_size=8), st.integers(0, 3))
def test_varints_are_those_of_single_messages(contents: list[bytes], place: int) -> None:
    """Of at most nine bytes, within the message."""
    texts = ByteRows.of(pa.array(contents, pa.binary()))
    starts = np.array([place if place <= len(text) else -1 for text in contents], np.int64)
    at = np.where(starts < 0, -1, starts + texts.bounds[:-1])
    read = Varints.at(texts, at)
    for row, (text, start) in enumerate(zip(contents, starts.tolist(), strict=True)):
        group = text[start:] if start >= 0 else b""
        length = next((n for n, byte in enumerate(group[:9], 1) if byte < 0x80), 0)
        if not length:
            assert read.end[row] == -1
            continue
        assert read.end[row] == at[row] + length
        number = sum((byte & 0x7F) << 7 * n for n, byte in enumerate(group[:length]))
        assert read.number[row] == number


def alike(texts: ByteRows, spans: Mapping[str, ByteSpan]) -> list[list[bytes]]:
    """Return messages, each with what replaces it: all that is masked, or altered."""
    masked = texts.masked(list(spans.values())).to_pylist()
    altered = [texts.altered(row, list(spans.values())) for row in range(len(texts.values))]
    return [
        list(versions) for versions in zip(texts.values.to_pylist(), masked, altered, strict=True)
    ]


@given(
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=5),
    nested=st.lists(st.sampled_from([*NESTED]), unique=True),
    names=st.sets(st.integers(0, 5)),
    seed=st.integers(0, 1000),
)
def test_fields_in_avro(kinds: list[str], nested: list[str], names: set[int], seed: int) -> None:
    """The other fields are read as they were, whatever replaces those with a span."""
    kinds = [*kinds[:1], *nested, *kinds[1:]]
    types = {f"f{place}": {**TYPES, **NESTED}[kind] for place, kind in enumerate(kinds)}
    schema = fastavro.parse_schema(record_of(**types))
    events = [
        {name: made(kind, seed + row) for name, kind in zip(types, kinds, strict=True)}
        for row in range(ROWS)
    ]
    contents = []
    for event in events:
        buffer = io.BytesIO()
        fastavro.schemaless_writer(buffer, schema, event)
        contents.append(buffer.getvalue())
    texts = ByteRows.of(pa.array(contents, pa.binary()))
    record = avro_record(schema, {})
    assert record is not None
    starts = texts.bounds[:-1].astype(np.int64)
    wanted = {f"f{place}" for place in names}
    spans = record.spans(texts, starts, wanted)
    ends = record.end(texts, starts)
    assert ((ends == texts.ends) | (ends == -1)).all()  # some numbers have ten bytes
    assert spans.keys() <= wanted
    kept = sorted(types.keys() - spans.keys())
    for versions in alike(texts, spans):
        first, *others = ([read(schema, text)[name] for name in kept] for text in versions)
        assert others == [first, first]


def read(schema: Any, content: bytes) -> Any:
    """Read a record."""
    return fastavro.schemaless_reader(io.BytesIO(content), schema, None)


def made(kind: str, seed: int) -> Any:
    """Make the value of a field."""
    make = values(Random(f"{kind}{seed}"), seed, RunIds(TAG))
    if kind == "optional list":
        return [make("optional") for _ in range(seed % 4)] if seed % 5 else None
    if kind == "records":
        return [{"n": make("long")} for _ in range(seed % 4)]
    return make(kind)


def test_a_number_has_a_span_in_each_message() -> None:
    """Also after fields of any length; a message that is cut off has none."""
    schema = record_of(tags={"type": "array", "items": "string"}, at="long", note="string")
    parsed = fastavro.parse_schema(schema)
    contents = []
    for row in range(ROWS):
        buffer = io.BytesIO()
        fastavro.schemaless_writer(buffer, parsed, {"tags": ["a"] * row, "at": 300, "note": ""})
        contents.append(buffer.getvalue())
    texts = ByteRows.of(pa.array([*contents, contents[-1][:-2], b""], pa.binary()))
    record = avro_record(parsed, {})
    assert record is not None
    span = record.spans(texts, texts.bounds[:-1].astype(np.int64), {"at"})["at"]
    assert span.is_one.tolist() == [True] * ROWS + [False] * 2
    assert ((span.end - span.start)[:ROWS] == 2).all()


def test_types_that_contain_themselves() -> None:
    """A tree is not skipped; what is before it is."""
    node = {
        "name": "Node",
        "type": "record",
        "fields": [{"name": "next", "type": ["null", "Node"]}],
    }
    named: dict[str, Any] = {}
    schema = fastavro.parse_schema(record_of(at="long", tree=node, n="long"), named)
    record = avro_record(schema, named)
    assert record is not None
    assert [*record.fields] == ["at"]
    assert avro_record("string", {}) is None


PROTOBUF = {
    "long": FieldDescriptorProto.TYPE_SINT64,
    "int": FieldDescriptorProto.TYPE_INT32,
    "double": FieldDescriptorProto.TYPE_DOUBLE,
    "float": FieldDescriptorProto.TYPE_FLOAT,
    "text": FieldDescriptorProto.TYPE_STRING,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
    "boolean": FieldDescriptorProto.TYPE_BOOL,
}


@given(
    kinds=st.lists(st.sampled_from([*PROTOBUF]), min_size=1, max_size=6),
    names=st.sets(st.integers(0, 5)),
    seed=st.integers(0, 1000),
    repeats=st.booleans(),
)
def test_fields_in_protobuf(kinds: list[str], names: set[int], seed: int, *, repeats: bool) -> None:
    """The other fields are read as they were; a field that occurs twice has no span."""
    file = FileDescriptorProto(name="order.proto", syntax="proto3")
    message = file.message_type.add(name="Order")
    for place, kind in enumerate(kinds):
        add_field(message, f"f{place}", 2 * place + 1, PROTOBUF[kind])
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    descriptor = pool.FindMessageTypeByName("Order")
    order = GetMessageClass(descriptor)
    events = [
        {f"f{place}": made(kind, seed + row) for place, kind in enumerate(kinds)}
        for row in range(ROWS)
    ]
    contents = [order(**event).SerializeToString() for event in events]
    if repeats:
        contents = [one + other for one, other in zip(contents, contents[::-1], strict=True)]
    texts = ByteRows.of(pa.array(contents, pa.binary()))
    wanted = {f"f{place}" for place in names}
    spans = protobuf_spans(texts, texts.bounds[:-1].astype(np.int64), descriptor, wanted)
    assert spans.keys() <= wanted
    for versions in alike(texts, spans):
        messages = [order.FromString(text) for text in versions]
        for name in {field.name for field in descriptor.fields} - spans.keys():
            assert len({repr(getattr(message, name)) for message in messages}) == 1


@pytest.mark.parametrize("end", [b"\x0b", b"\x80", b"\x12\x05a"])
def test_a_broken_message_in_protobuf_has_no_spans(end: bytes) -> None:
    """Whatever is broken in it: a group, a tag that is cut off, or a text."""
    file = FileDescriptorProto(name="order.proto", syntax="proto3")
    add_field(file.message_type.add(name="Order"), "at", 1, FieldDescriptorProto.TYPE_INT64)
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    descriptor = pool.FindMessageTypeByName("Order")
    texts = ByteRows.of(pa.array([b"\x08\x05", b"\x08\x05" + end], pa.binary()))
    spans = protobuf_spans(texts, texts.bounds[:-1].astype(np.int64), descriptor, {"at"})
    assert spans["at"].is_one.tolist() == [True, False]
