"""Fits: for each kind of service, the options with which a run reads its ids and its events."""

import json
from collections.abc import Mapping

import pytest
from headcount_analysis.probe.fit import FormatMaker, OptionsFit, fit_of
from headcount_analysis.selftest.encoders.catalogue import FRAMED, encoder_of
from headcount_analysis.selftest.encoders.encoder import Encoder

from headcount.run.id_form import IdForm
from headcount.run.id_location import LocationKind
from headcount.run.message_format import FormatSettings
from headcount.run.probe_ids import probe_ids
from tests.analysis.probe.services import (
    COUNT,
    FORMATS,
    HEADER_IDS,
    REQUESTS,
    TOPIC,
    Message,
    Service,
    json_of,
    records,
)

Headers = Mapping[str, str]
Order = Mapping[str, object]


def fit(service: Service, formats: FormatMaker = FORMATS) -> OptionsFit | None:
    """Probe a service."""
    return fit_of(TOPIC, records(service), REQUESTS, HEADER_IDS, formats)


def beside_order(headers: Headers, order: Order) -> Message:
    """FastAPI: all headers, in lowercase, beside the order's fields."""
    lowercase = {name.lower(): text for name, text in headers.items()}
    return json_of({**lowercase, **order}), None, ()


def renamed(headers: Headers, order: Order) -> Message:
    """A field with another name."""
    return json_of({**order, "request_id": headers["X-Request-Id"]}), None, ()


def nested(headers: Headers, order: Order) -> Message:
    """Headers and order one level down."""
    return json_of({"request_headers": dict(headers), "order": order}), None, ()


def in_header(headers: Headers, order: Order) -> Message:
    """A record header with the request id."""
    return json_of(order), None, (("x-request-id", headers["X-Request-Id"].encode()),)


def in_key(headers: Headers, order: Order) -> Message:
    """The key is the idempotency key."""
    return json_of(order), headers["Idempotency-Key"].encode(), ()


def traced(headers: Headers, order: Order) -> Message:
    """OpenTelemetry carries the trace on, with a span of its own."""
    trace_id = headers["traceparent"].split("-")[1]
    return json_of(order), None, (("traceparent", f"00-{trace_id}-00000000000000aa-00".encode()),)


def structured(headers: Headers, order: Order) -> Message:
    """A CloudEvent as a whole in the value."""
    attributes = {"specversion": "1.0", "id": "7", "source": "/orders", "type": "placed"}
    event = {**attributes, "correlationid": headers["X-Correlation-Id"], "data": order}
    return json_of(event), None, (("content-type", b"application/cloudevents+json"),)


def binary(headers: Headers, order: Order) -> Message:
    """A CloudEvent whose attributes are record headers."""
    attributes = {"specversion": "1.0", "id": headers["X-Request-Id"], "source": "/", "type": "p"}
    return json_of(order), None, tuple((f"ce_{k}", v.encode()) for k, v in attributes.items())


def outbox(headers: Headers, order: Order) -> Message:
    """Debezium's event router, with the payload as escaped text."""
    envelope = {"payload": json.dumps(order), "eventType": "order_placed"}
    return json_of(envelope), None, (("id", headers["Idempotency-Key"].encode()),)


def converted(headers: Headers, order: Order) -> Message:
    """Debezium's expanded payload in the JSON converter's envelope."""
    payload = {**order, "order_id": headers["Idempotency-Key"]}
    return json_of({"schema": {"type": "struct"}, "payload": payload}), None, ()


def changed(headers: Headers, order: Order) -> Message:
    """Debezium's change of a row."""
    row = {"id": headers["Idempotency-Key"], **order}
    return json_of({"op": "c", "before": None, "after": row}), None, ()


def escaped(headers: Headers, order: Order) -> Message:
    """A home-made envelope with the order as escaped text."""
    return json_of({"meta": {"id": headers["X-Event-Id"]}, "body": json.dumps(order)}), None, ()


def from_body(headers: Headers, order: Order) -> Message:
    """The message is the request's body, in which the scenario writes EVENT_ID."""
    return json_of({"order_id": headers["X-Event-Id"], **order}), None, ()


def framed(headers: Headers, order: Order) -> Message:
    """A schema registry's frame."""
    value = b"\x00\x00\x00\x00\x07" + json_of(order)
    return value, None, (("x-request-id", headers["X-Request-Id"].encode()),)


UUID = "--id-form uuid --id-header"
FITS: dict[Service, str] = {
    beside_order: "",
    renamed: f"{UUID} X-Request-Id --id-at field:request_id",
    nested: "--id-at json:/request_headers/X-Event-Id --compare-at /order",
    in_header: f"{UUID} X-Request-Id --id-at header:x-request-id",
    in_key: f"{UUID} Idempotency-Key --id-at key",
    traced: "--id-form trace",
    structured: f"{UUID} X-Correlation-Id --id-at json:/correlationid --format cloudevents",
    binary: f"{UUID} X-Request-Id --id-at header:ce_id --format cloudevents",
    outbox: f"{UUID} Idempotency-Key --id-at header:id --format debezium",
    converted: f"{UUID} Idempotency-Key --id-at field:order_id --format debezium",
    changed: f"{UUID} Idempotency-Key --id-at field:id --format debezium",
    escaped: "--id-at json:/meta/id --compare-at /body",
    from_body: "--id-at field:order_id",
    framed: f"{UUID} X-Request-Id --id-at header:x-request-id --format raw",
}


def _name(value: Service | str) -> str:
    """Name a case; xdist needs the same name in each worker."""
    return "" if isinstance(value, str) else value.__name__


@pytest.mark.parametrize(("service", "options"), FITS.items(), ids=_name)
def test_the_options_that_fit(service: Service, options: str) -> None:
    """With them, a run reads the id of each request, and its fields are as requested."""
    best = fit(service)
    assert best is not None
    words = [word for pair in best.options for word in pair]
    assert " ".join(words[2:]) == options
    assert words[:2] == ["--topic", TOPIC]
    assert [len(best.messages[seq]) for seq in range(COUNT)] == [1] * COUNT
    assert best.content.differing == ()
    is_raw = best.message_format.name == "raw"
    assert best.content.equal == (() if is_raw else ("item", "quantity"))


def test_a_named_header() -> None:
    """It is tried first, in its form, and the usual headers as well."""

    def service(headers: Headers, order: Order) -> Message:
        return json_of({**order, "token": headers["X-Token"]}), None, ()

    header_ids = probe_ids("0123456789", IdForm.UUID, "X-Token")
    token = header_ids[0].ids
    own = records(lambda _, order: service({"X-Token": token.text(0, _seq(order))}, order))
    best = fit_of(TOPIC, own, REQUESTS, header_ids, FORMATS)
    assert best is not None
    options = dict(best.options)
    assert (options["--id-header"], options["--id-form"]) == ("X-Token", "uuid")
    assert options["--id-at"] == "field:token"
    assert best.is_first_header
    assert {probed.header for probed in header_ids[1:]} >= {"X-Event-Id", "traceparent"}


def test_fields_that_differ() -> None:
    """They are named with an example, and the object with the most equal fields is compared."""

    def service(headers: Headers, order: Order) -> Message:
        other = {"item": order["item"]}
        body = {**order, "quantity": str(order["quantity"])}
        value = {"id": headers["X-Event-Id"], "a": {"quantity": 99}, "b": body, "c": other}
        return json_of(value), None, ()

    best = fit(service)
    assert best is not None
    assert best.message_format.compare_at == "/b"
    assert best.content.equal == ("item",)
    assert best.content.differing == ('quantity: asked for 1, found "1"',)


def test_an_id_within_a_longer_text() -> None:
    """No option reads it, so nothing fits."""
    assert fit(lambda h, o: (json_of({**o, "note": f"for {h['X-Event-Id']}!"}), None, ())) is None


def test_some_messages_that_are_not_json() -> None:
    """The format is that of most messages; the defect of the others is kept."""

    def service(headers: Headers, order: Order) -> Message:
        id_header = (("id", headers["X-Request-Id"].encode()),)
        return (b"<order/>" if order["quantity"] == 1 else json_of(order)), None, id_header

    best = fit(service)
    assert best is not None
    assert best.message_format.name == "json"
    assert best.defects == ("not JSON",)


@pytest.mark.parametrize("name", FRAMED)
def test_messages_with_schemas(name: str, registry: str) -> None:
    """A real registry says what they are, and the options name it."""

    def document(encoder: Encoder, identity: str, order: Order) -> Mapping[str, object]:
        return encoder.document({"order_id": identity, **order}, 0)

    encoder = encoder_of(
        FormatSettings(name, "", registry),
        LocationKind.FIELD,
        lambda encoder: document(encoder, "", {"item": "", "quantity": 0}),
    )

    def service(headers: Headers, order: Order) -> Message:
        return encoder.encoded(document(encoder, headers["X-Event-Id"], order), 0).value, None, ()

    best = fit(service, FormatMaker(FORMATS.make, FORMATS.names, registry))
    assert best is not None
    assert dict(best.options) == {
        "--topic": TOPIC,
        "--id-at": "field:order_id",
        "--format": name,
        "--schema-registry": registry,
    }
    assert (best.content.equal, best.content.differing) == (("item", "quantity"), ())
    assert [len(best.messages[seq]) for seq in range(COUNT)] == [1] * COUNT


def test_a_wanted_format() -> None:
    """It is used, although another would be chosen."""
    best = fit(outbox, FormatMaker(FORMATS.make, FORMATS.names, wanted="json"))
    assert best is not None
    assert best.message_format.name == "json"
    assert best.message_format.compare_at == "/payload"


def _seq(order: Order) -> int:
    quantity = order["quantity"]
    assert isinstance(quantity, int)
    return quantity - 1
