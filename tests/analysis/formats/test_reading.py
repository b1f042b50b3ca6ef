"""Reading: a reader that shares what it decoded sees every format's messages as they are."""

import json
from typing import Any

import pyarrow as pa
import pytest
from headcount_analysis.batches.content import Reader
from headcount_analysis.batches.expected import Expected
from headcount_analysis.formats.catalogue import format_of
from headcount_analysis.messages.kinds import MessageKind
from headcount_analysis.read.topic_range import MESSAGES

from bench.analysis.format_samples import COMPARED, ID_FIELD, IDS, FormatSample, format_samples
from bench.analysis.schema_server import schema_server
from headcount.ledger.event_digest import describe
from headcount.run.id_location import IdLocation, LocationKind
from headcount.run.message_format import FormatSettings
from tests.analysis.formats.schemas import avro, record_of
from tests.analysis.formats.stub_registry import stub_registry

COUNT = 1200
SAMPLES = format_samples(COUNT, 7, 7)
PLACE = IdLocation(LocationKind.FIELD, ID_FIELD)


def read(expected: Expected, messages: list[tuple[bytes, Any]]) -> list[dict[str, Any]]:
    """Return the rows of messages, which are values with their headers."""
    rows = [
        {
            "partition": 0,
            "offset": offset,
            "timestamp_ms": 0,
            "timestamp_type": 0,
            "key": None,
            "value": value,
            "topic": "events",
            "headers": [{"key": name, "value": text} for name, text in headers],
        }
        for offset, (value, headers) in enumerate(messages)
    ]
    arrivals: list[dict[str, Any]] = (
        Reader(expected).arrivals(pa.RecordBatch.from_pylist(rows, schema=MESSAGES)).to_pylist()
    )
    return arrivals


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.title)
def test_each_message_has_its_own_id_and_content(sample: FormatSample) -> None:
    """Ids of one digit and of four, in every format; what was asked for is what was read."""
    plain = [json.loads(value) for value in SAMPLES[0].values]
    asked = [describe({name: event[name] for name in COMPARED}) for event in plain]
    with schema_server([of_format.schema or ("", "") for of_format in SAMPLES]) as url:
        settings = FormatSettings(sample.name, "", url if sample.schema else "")
        shapes = [asked[0].shape]
        expected = Expected(IDS, PLACE, {0: COUNT}, shapes, message_format=format_of(settings))
        rows = read(expected, [(value, sample.headers) for value in sample.values])
    assert {row["kind"] for row in rows} == {MessageKind.CLAIMED}
    assert [row["seq"] for row in rows] == list(range(COUNT))
    assert [row["digests"] for row in rows] == [[event.digest] for event in asked]


def test_equal_bytes_of_two_schemas_are_different_messages() -> None:
    """A header names the schema: what the bytes mean depends on it."""
    names = [f"0190b2a4-7c3e-7f00-8123-00000000000{number}" for number in (1, 2)]
    schemas = [record_of(**{ID_FIELD: "string", field: "int"}) for field in ("quantity", "price")]
    value = avro(schemas[0], {ID_FIELD: IDS.text(0, 5), "quantity": 3})
    with stub_registry() as stub:
        for name, schema in zip(names, schemas, strict=True):
            document = {"schema": json.dumps(schema), "id": 7, "guid": name}
            stub.answers[f"/schemas/guids/{name}"] = 200, document
        expected = Expected(
            *(IDS, PLACE, {0: 10}, ["price", "quantity"]),
            message_format=format_of(FormatSettings("avro", "", stub.url)),
        )
        headers = [
            [("__value_schema_id", b"\x01" + bytes.fromhex(name.replace("-", "")))]
            for name in names
        ]
        rows = read(expected, [(value, header) for header in (*headers, headers[0])])
    digests = [describe({field: 3}).digest for field in ("quantity", "price", "quantity")]
    assert [row["digests"] for row in rows] == [[digest] for digest in digests]
