"""Sends requests that contain EVENT_ID, and prints what was sent, counted and recorded.

It is a program of its own, because Locust patches the standard library of its process.
"""

import io
import json
import sys
from typing import Any

import gevent
import pyarrow.dataset as pads
from locust.event import EventHook

from headcount.ledger.location import open_location
from headcount.ledger.writer import LedgerWriter
from headcount.plugin import EVENT_ID
from headcount.plugin.attempts.recorder import Recorder
from headcount.plugin.http.response import PlainResponse
from headcount.plugin.options import HttpWay
from headcount.plugin.session import LedgerSession
from headcount.run.id_settings import parse_id_settings
from headcount.run.ids import tag_of
from tests.headcount.plugin.both_ways import RequestRecordingServer

TAG = tag_of(0x123456789ABC)
GRAPHQL = {"query": "mutation ($id: ID!) { order(id: $id) }", "variables": {"id": EVENT_ID}}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
XML = {"Content-Type": "text/xml"}
EVENT: dict[str, Any] = {"event_type": "placed"}

REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "nowhere": ("POST", "/orders", {"json": {"a": 1}}),
    "json": ("POST", "/orders", {"json": {"order_id": EVENT_ID, "a": "ü"}}),
    "nested json": ("POST", "/orders", {"json": [{"ids": [{"id": EVENT_ID}], EVENT_ID: 1}]}),
    "longer text": ("POST", "/orders", {"json": {"ref": f"order {EVENT_ID}/1"}}),
    "graphql": ("POST", "/graphql", {"json": GRAPHQL}),
    "path": ("PUT", f"/orders/{EVENT_ID}?x=1", {"json": {"a": 1}}),
    "path as text": ("PUT", "/orders/{event_id}/lines", {"json": {"a": 1}}),
    "path refused": ("GET", "/refused/{event_id}", {}),
    "named path": ("GET", f"/orders/{EVENT_ID}", {"name": f"order {EVENT_ID}"}),
    "query": ("GET", "/orders", {"params": {"id": EVENT_ID, "a": "b c"}}),
    "query refused": ("GET", "/refused", {"params": {"id": EVENT_ID}}),
    "header": ("POST", "/orders", {"json": {}, "headers": {"Idempotency-Key": EVENT_ID}}),
    "own id": ("POST", "/", {"headers": {"x-event-id": "own", "TraceParent": f"{EVENT_ID}/"}}),
    "form": ("POST", "/orders", {"data": {"id": EVENT_ID, "name": "a b"}}),
    "text": ("POST", "/orders", {"data": f"<order id='{EVENT_ID}'/>", "headers": XML}),
    "bytes": ("POST", "/orders", {"data": b"id=" + EVENT_ID.encode(), "headers": FORM}),
    "braces": ("POST", "/orders", {"data": "{event_id}", "headers": XML}),
    "multipart": (
        "POST",
        "/orders",
        {
            "data": {"id": EVENT_ID},
            "files": {"doc": ("a.txt", f"see {EVENT_ID}"), "raw": ("b", io.BytesIO(b"{event_id}"))},
        },
    ),
}

EVENTS: dict[str, dict[str, Any]] = {
    "value": {"event_type": "placed", "copy": EVENT_ID},
    "nested": {"event_type": "placed", "list": [{"ref": f"order {EVENT_ID}"}, 1]},
    "long": {"event_type": "placed", "text": "x" * 300, "copy": EVENT_ID},
    "location": {"event_type": "placed", "X-Event-Id": EVENT_ID},
}


def _record_of(number: int, server: RequestRecordingServer, fired: list[dict[str, Any]]) -> Any:
    head, _, body = server.received[number].decode("latin-1").partition("\r\n\r\n")
    first, *fields = head.split("\r\n")
    return {
        "first": first,
        "fields": sorted(fields, key=str.lower),
        "body": body,
        "name": fired[number]["name"],
        "url": fired[number]["url"],
        "exception": str(fired[number]["exception"]),
        "seen": [fired[number]["response"].url, repr(fired[number]["response"].request.body)],
        "fields_seen": sorted(
            f"{name}: {text}" for name, text in fired[number]["response"].request.headers.items()
        ),
    }


def _is_short(fired: dict[str, Any]) -> bool:
    return isinstance(fired["response"], PlainResponse)


def main(folder: str, way: str, *options: str) -> None:
    """Send everything in one `way`, with ids as the options say, and print what happened."""
    server = RequestRecordingServer()
    server.start()
    writer = LedgerWriter(*open_location(folder), TAG, 0)
    writer.open()
    errors: list[str] = []
    settings = parse_id_settings(*options)
    recorder = Recorder(writer, lambda error: errors.append(str(error)), id_settings=settings)
    hook, fired = EventHook(), list[dict[str, Any]]()
    hook.add_listener(lambda **values: fired.append(values))
    session = LedgerSession(
        recorder=recorder,
        user_name="Buyer",
        http_way=HttpWay(way),
        base_url=f"http://127.0.0.1:{server.server_port}",
        request_event=hook,
        user=None,
        headers={"X-Same": f"{EVENT_ID}-1"},
        max_retries=0,
    )
    for method, url, keywords in REQUESTS.values():
        session.request(method, url, event=EVENT, **keywords)
    for event in EVENTS.values():
        session.post("/events", json={}, event=event)
    names = [*REQUESTS, *EVENTS]
    sent = {name: _record_of(number, server, fired) for number, name in enumerate(names)}
    received = len(server.received)
    short = [name for name, alarm in zip(names, fired, strict=True) if _is_short(alarm)]
    recorder.seal()
    refused = _refused(session, recorder)
    rows = pads.dataset(f"{folder}/0", exclude_invalid_files=True).to_table().to_pylist()
    rows.sort(key=lambda row: row["seq"])
    result = {
        "sent": sent,
        "short": short,
        "rows": [[row["shape"], row["digest"], row["asked"]] for row in rows],
        "refused": refused,
        "errors": errors,
        "received_after": len(server.received) - received,
    }
    sys.stdout.write(json.dumps(result))
    sys.stdout.flush()
    server.stop()
    gevent.get_hub().destroy()


def _refused(session: Any, recorder: Recorder) -> list[str]:
    """Try requests that cannot be made; return why."""
    reasons = []
    for keywords in (
        {"event": {"event_type": "placed", EVENT_ID: 1}, "json": {}},
        {"event": {"event_type": "placed", "x-event-id": 7}, "json": {}},
        {"json": {"id": EVENT_ID}},
        {"params": {"id": EVENT_ID}},
        {"headers": {"Idempotency-Key": EVENT_ID}},
    ):
        recorder.shortfall.refused = ""
        try:
            session.post("/refusals", **keywords)
        except BaseException as error:  # noqa: BLE001 - StopUser is one
            reasons.append(f"{type(error).__name__}: {recorder.shortfall.refused}")
    return reasons


if __name__ == "__main__":
    main(*sys.argv[1:])
