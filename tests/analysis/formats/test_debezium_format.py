"""Debezium: rows after a change, and payloads of an outbox, however the converter writes them."""

import base64
import json
from decimal import Decimal
from typing import Any

import pytest

from tests.analysis.formats.records import made, record

ROW = {"x_event_id": "r.0.1", "quantity": 3}
OUTBOX = {"id": "7", "aggregatetype": "order", "aggregateid": "1", "type": "sold"}


def change(op: str, before: Any, after: Any) -> dict[str, Any]:
    """Make a change event as a connector does."""
    return {"before": before, "after": after, "source": {"table": "orders"}, "op": op, "ts_ms": 1}


def written(message: object) -> bytes:
    """Write JSON."""
    return json.dumps(message).encode()


@pytest.mark.parametrize("is_wrapped", [True, False])
@pytest.mark.parametrize(
    ("op", "before", "after"),
    [("c", None, ROW), ("u", {"quantity": 2}, ROW), ("r", None, ROW), ("d", ROW, None)],
)
def test_the_row_of_a_change_is_compared(
    op: str, before: Any, after: Any, is_wrapped: bool
) -> None:
    """The row after it, or before a deletion; the converter's schema makes no difference."""
    message: object = change(op, before, after)
    if is_wrapped:
        message = {"schema": {"type": "struct"}, "payload": message}
    parsed = made("debezium").decode(record(written(message)))
    assert parsed.event == ROW
    assert parsed.root == change(op, before, after)


@pytest.mark.parametrize(
    "message",
    [
        ROW,
        {"schema": None, "payload": ROW},
        json.dumps(ROW),
        {"schema": {"type": "string"}, "payload": json.dumps(ROW)},
        {"payload": json.dumps(ROW), "eventType": "sold"},
        {"schema": {}, "payload": {"payload": json.dumps(ROW), "eventType": "sold"}},
        {"payload": ROW, "eventType": "sold"},
        change("c", None, {**OUTBOX, "payload": json.dumps(ROW)}),
        change("c", None, {**OUTBOX, "payload": ROW}),
    ],
)
def test_the_payload_of_an_outbox_is_compared(message: object) -> None:
    """Expanded, as escaped text, in an envelope, or in the table's own row."""
    parsed = made("debezium").decode(record(written(message)))
    assert (parsed.event, parsed.defect) == (ROW, None)


def test_a_pointer_reaches_into_escaped_text() -> None:
    """The decoded message has the object in place of its text."""
    message = change("c", None, {**OUTBOX, "payload": json.dumps(ROW)})
    root: Any = made("debezium").decode(record(written(message))).root
    assert root["after"]["payload"]["x_event_id"] == "r.0.1"
    assert root["after"]["id"] == "7"


@pytest.mark.parametrize(
    "header",
    [b"bought", b'"bought"', b'{"schema": {"type": "string"}, "payload": "bought"}'],
)
def test_a_header_names_the_type_before_anything_else(header: bytes) -> None:
    """Plain text, or as a converter of Connect writes it."""
    message = {"payload": ROW, "eventType": "sold"}
    parsed = made("debezium").decode(record(written(message), ("eventType", header)))
    assert parsed.event_type == "bought"


@pytest.mark.parametrize(
    "message",
    [
        {"payload": ROW, "eventType": "sold"},
        change("c", None, {**OUTBOX, "payload": json.dumps(ROW)}),
        change("c", None, {**OUTBOX, "type": 1, "event_type": "sold", "payload": ROW}),
    ],
)
def test_the_envelope_or_the_outbox_row_names_the_type(message: object) -> None:
    """Without a header: `eventType` beside the payload, or the column of the table."""
    assert made("debezium").decode(record(written(message))).event_type == "sold"


@pytest.mark.parametrize("message", [change("c", None, {"type": "x"}), {"type": "x"}])
def test_another_field_of_that_name_is_not_the_type(message: object) -> None:
    """A table, or an expanded payload, may have a `type` that means something else."""
    assert made("debezium").decode(record(written(message))).event_type is None


def test_a_payload_of_another_table_is_a_column_like_others() -> None:
    """Only a table with the outbox's columns is an outbox."""
    row = {"payload": {"q": 3}, "quantity": 1}
    assert made("debezium").decode(record(written(change("c", None, row)))).event == row


@pytest.mark.parametrize("value", [None, b'{"schema": null, "payload": null}'])
def test_a_tombstone_is_no_defect(value: bytes | None) -> None:
    """Debezium publishes one after each deletion, which stands for no event of its own."""
    parsed = made("debezium").decode(record(value))
    assert (parsed.event, parsed.defect, parsed.is_tombstone) == ({}, None, True)
    assert not made("debezium").decode(record(b"{}")).is_tombstone


@pytest.mark.parametrize(
    ("message", "defect"),
    [
        (change("t", None, None), "a change without a row"),
        ({"schema": {}, "payload": 3}, "no object at /payload"),
        ({"schema": {}, "payload": "text"}, "not JSON"),
        ([1], "a JSON array, not an object"),
        ("text", "not JSON"),
        (change("c", None, {**OUTBOX, "payload": "text"}), "no object at /after/payload"),
    ],
)
def test_what_has_no_object_has_a_defect(message: object, defect: str) -> None:
    """It cannot be compared, and the defect says why."""
    parsed = made("debezium").decode(record(written(message)))
    assert (parsed.event, parsed.defect) == (None, defect)


def test_another_place_can_be_compared() -> None:
    """`--compare-at` looks into the message without the converter's schema."""
    message = {"schema": {}, "payload": change("u", {"quantity": 2}, ROW)}
    parsed = made("debezium", "/before").decode(record(written(message)))
    assert parsed.event == {"quantity": 2}


def test_repeated_keys_of_a_payload_are_recorded() -> None:
    """Whether it is text or not."""
    text = '{"q": 1, "q": 2}'
    escaped = written({"payload": text, "eventType": "sold"})
    plain = b'{"schema": {}, "payload": {"q": 1, "q": 2}}'
    row = b'{"op": "c", "before": null, "after": {"q": 1, "q": 2}}'
    for value in (escaped, plain, row):
        assert made("debezium").decode(record(value)).repeated_fields == ("q",), value


def test_decimals_are_numbers_where_the_schema_has_their_scale() -> None:
    """Connect writes base64 of the unscaled value; without a schema it stays text."""
    name, variable = (
        "org.apache.kafka.connect.data.Decimal",
        "io.debezium.data.VariableScaleDecimal",
    )
    price = base64.b64encode((-1250).to_bytes(2, signed=True)).decode()
    decimal = {"field": "price", "type": "bytes", "name": name, "parameters": {"scale": "2"}}
    fields = [
        decimal,
        {"field": "any", "type": "struct", "name": variable},
        {"field": "all", "type": "array", "items": {**decimal}},
    ]
    row = {"price": price, "any": {"scale": 1, "value": price}, "all": [price], "q": 1}
    after = {"field": "after", "type": "struct", "fields": fields}
    message = {
        "schema": {"type": "struct", "fields": [after]},
        "payload": {"op": "c", "before": None, "after": row},
    }
    parsed = made("debezium").decode(record(written(message)))
    price_in_full = Decimal("-12.50")
    assert parsed.event == {
        "price": price_in_full,
        "any": Decimal(-125),
        "all": [price_in_full],
        "q": 1,
    }
    without = made("debezium").decode(record(written(message["payload"])))
    assert without.event == row
