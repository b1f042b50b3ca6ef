"""The messages of services that a probe meets, with the headers that they carry on."""

import json
from collections.abc import Callable, Mapping

from headcount_analysis.formats.catalogue import format_of, known_formats
from headcount_analysis.messages.record import Headers, Record
from headcount_analysis.probe.findings import TopicSample
from headcount_analysis.probe.fit import FormatMaker
from headcount_analysis.probe.probe_request import ProbeRequest

from headcount.ledger.event_digest import describe
from headcount.run.id_form import IdForm
from headcount.run.probe_ids import probe_ids
from headcount.run.request_outcome import Outcome

TAG = "0123456789"
HEADER_IDS = probe_ids(TAG, IdForm.PLAIN, "X-Event-Id")
FORMATS = FormatMaker(format_of, frozenset(known_formats()))
TOPIC = "orders"
SENT_AT_NS = 1_000_000_000
COUNT = 4

Message = tuple[bytes | None, bytes | None, Headers]
"""A value, a key and headers."""

Service = Callable[[Mapping[str, str], Mapping[str, object]], Message]
"""Publishes a message for the headers of a request and its order."""


def order(seq: int) -> dict[str, object]:
    """What a request asks for."""
    return {"item": f"chair {seq}", "quantity": seq + 1}


def request(seq: int, **changes: object) -> ProbeRequest:
    """A request of the probe, acknowledged unless changed."""
    description = describe(order(seq))
    values: dict[str, object] = {
        "seq": seq,
        "event_type": "order_placed",
        "outcome": Outcome.ACKED,
        "status": 201,
        "error": None,
        "sent_at_ns": SENT_AT_NS,
        "shape": description.shape,
        "asked": description.asked,
    }
    return ProbeRequest(**{**values, **changes})  # type: ignore[arg-type]


REQUESTS = {seq: request(seq) for seq in range(COUNT)}


def headers_of(seq: int) -> dict[str, str]:
    """The headers of a request that carry ids, and another one."""
    texts = {probed.header: probed.ids.text(0, seq) for probed in HEADER_IDS}
    texts["traceparent"] = f"00-{texts['traceparent']}-{texts['traceparent'][-16:]}-01"
    return {"Host": "shop.test", **texts}


def records(service: Service, seqs: range = range(COUNT), topic: str = TOPIC) -> list[Record]:
    """Publish a message for each request, 3 ms and more after it."""
    messages = (service(headers_of(seq), order(seq)) for seq in seqs)
    return [
        Record(topic, 0, offset, key, value, headers, SENT_AT_NS // 1_000_000 + 3 + offset)
        for offset, (value, key, headers) in enumerate(messages)
    ]


def sample(own: list[Record], others: tuple[Record, ...] = (), topic: str = TOPIC) -> TopicSample:
    """What a probe saw of a topic."""
    grown = len(own) + len(others)
    return TopicSample(topic, grown, grown, tuple(own), others)


def json_of(value: object) -> bytes:
    """Write JSON."""
    return json.dumps(value).encode()
