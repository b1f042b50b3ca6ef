"""The application: each route's response and event, and each error as problem JSON."""

import io
import logging
import os
from typing import Any

import pytest
from flask.testing import FlaskClient
from headcount_service.app import create_app, new_receipt, parts_of
from headcount_service.errors import NotPublished, OutcomeUnknown, RecordTooLarge
from headcount_service.publish.events import Event
from headcount_service.publish.protocols import RecordPosition
from werkzeug.test import TestResponse

from tests.service.conftest import LoadSettings
from tests.service.fakes import RecordingPublisher

SWORD = "/purchase_a_sword"
GUILD = "/join_guild"
ACTIONS = (
    ("/", "default", "This is the default response!\n"),
    (SWORD, "purchase_sword", "Sword Purchased!\n"),
    (GUILD, "join_guild", "Guild Joined!\n"),
)


def own_fields(event: Event) -> dict[str, Any]:
    """Return an event without its receipt and its headers, whose names are capitalized."""
    kept = {name: value for name, value in event.items() if not name[0].isupper()}
    assert kept.pop("receipt") == "receipt-1"
    return kept


def assert_problem(response: TestResponse, status: int) -> dict[str, Any]:
    """Check that a response is an RFC 9457 problem, and return its members."""
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    body: dict[str, Any] = response.get_json(force=True)
    assert body["type"] == "about:blank"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    return body


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action[1])
def test_a_minimal_request_makes_a_minimal_event(
    client: FlaskClient,
    publisher: RecordingPublisher,
    method: str,
    action: tuple[str, str, str],
) -> None:
    """Without parameters the event has its type and the headers, no defaults and no key."""
    path, event_type, answer = action
    response = client.open(path, method=method, headers={"X-Event-Id": "run.0.7"})
    assert (response.status_code, response.text) == (200, answer)
    ((event, key),) = publisher.published
    assert own_fields(event) == {"event_type": event_type}
    assert event["X-Event-Id"] == "run.0.7"
    assert event["Host"] == "localhost"
    assert str(event["User-Agent"]).startswith("Werkzeug/")
    assert key is None


def test_a_response_says_where_its_event_is(
    client: FlaskClient, publisher: RecordingPublisher
) -> None:
    """It has partition and offset, if known, and always the id of the worker process."""
    bare = client.get("/")
    publisher.place = RecordPosition(3, 17)
    placed = client.get("/")
    assert "X-Event-Partition" not in bare.headers
    assert (placed.headers["X-Event-Partition"], placed.headers["X-Event-Offset"]) == ("3", "17")
    for answer in (bare, placed, client.get("/nowhere")):
        assert answer.headers["X-Served-By"] == str(os.getpid())


def test_receipts_are_all_different() -> None:
    """Two requests can always be distinguished."""
    assert len({new_receipt() for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    "options",
    [
        {"query_string": {"metal": "iron", "quantity": "3", "player_id": "p-1"}},
        {"data": {"metal": "iron", "quantity": "3", "player_id": "p-1"}},
        {"json": {"metal": "iron", "quantity": 3, "player_id": "p-1"}},
        {"query_string": {"metal": "iron"}, "json": {"quantity": 3, "player_id": "p-1"}},
        {"query_string": {"metal": "iron"}, "data": {"quantity": "3", "player_id": "p-1"}},
    ],
)
def test_parameters_come_by_query_form_or_json(
    client: FlaskClient, publisher: RecordingPublisher, options: dict[str, Any]
) -> None:
    """The event is the same, keyed by the player."""
    assert client.post(SWORD, **options).status_code == 200
    ((event, key),) = publisher.published
    wanted = {"event_type": "purchase_sword", "metal": "iron", "quantity": 3, "player_id": "p-1"}
    assert own_fields(event) == wanted
    assert key == "p-1"


def test_a_header_cannot_be_mistaken_for_a_field(
    client: FlaskClient, publisher: RecordingPublisher
) -> None:
    """Whether the request has that field or not; and credentials are left out."""
    headers = {
        "Event-Type": "default", "Metal": "gold", "Player-Id": "x", "Guild": "g",
        "Authorization": "Bearer t0ken", "Cookie": "t0ken=t0ken", "Proxy-Authorization": "t0ken",
    }  # fmt: skip
    assert client.get(f"{SWORD}?metal=iron", headers=headers).status_code == 200
    ((event, _),) = publisher.published
    assert own_fields(event) == {"event_type": "purchase_sword", "metal": "iron"}
    assert not {"Event-Type", "Metal", "Player-Id", "Guild"} & event.keys()
    assert "t0ken" not in str(event)


def test_a_bad_request_names_parameter_value_and_rule(
    client: FlaskClient, publisher: RecordingPublisher
) -> None:
    """The problem has an entry for each fault, and nothing is published."""
    body = assert_problem(client.get(f"{SWORD}?metal=tin&x=1"), 400)
    assert body["errors"] == [
        {
            "name": "metal",
            "value": "tin",
            "rule": "must be bronze, gold, iron, mithril, silver or steel",
        },
        {
            "name": "x",
            "value": "1",
            "rule": "is unknown; this route takes metal, player_id, quantity",
        },
    ]
    assert publisher.published == []


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        ("/?x=1", {}, 400),
        ("/", {"data": {"x": "1"}}, 400),
        (f"{SWORD}?metal=iron&metal=iron", {}, 400),
        (f"{SWORD}?metal=iron", {"json": {"metal": "iron"}}, 400),
        (f"{SWORD}?metal=%ff", {}, 400),
        (SWORD, {"data": b'{"metal"', "content_type": "application/json"}, 400),
        (SWORD, {"data": b"[1]", "content_type": "application/json"}, 400),
        (SWORD, {"data": b"<x/>", "content_type": "text/xml"}, 415),
        (SWORD, {"data": b"x"}, 415),
        (SWORD, {"data": b"x" * 1001, "content_type": "application/json"}, 413),
        (SWORD, {"data": {"metal": "x" * 1001}}, 413),
        ("/nowhere", {}, 404),
        (f"{SWORD}/", {}, 404),
        (GUILD, {"headers": {f"H{number}": "" for number in range(65)}}, 431),
        (GUILD, {"headers": {"H": "x" * 16_385}}, 431),
    ],
)
def test_a_refused_request_is_a_problem_and_publishes_nothing(
    client: FlaskClient, publisher: RecordingPublisher, path: str, options: dict[str, Any],
    status: int,
) -> None:  # fmt: skip
    """Every error has its status and is problem JSON."""
    assert_problem(client.post(path, **options), status)
    assert publisher.published == []


def test_a_file_is_not_a_parameter(client: FlaskClient, publisher: RecordingPublisher) -> None:
    """A file in a form is an error that names it."""
    response = client.post(GUILD, data={"guild": (io.BytesIO(b"Night"), "guild.txt")})
    assert assert_problem(response, 400)["errors"] == [
        {"name": "guild", "value": "a file", "rule": "must be text"}
    ]
    assert publisher.published == []


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "x"])
def test_an_empty_body_needs_no_type(client: FlaskClient, content_type: str) -> None:
    """A client may send a content type without a body."""
    assert client.post(SWORD, data=b"", content_type=content_type).status_code == 200


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", [path for path, _, _ in ACTIONS])
def test_another_method_is_a_405_that_publishes_nothing(
    client: FlaskClient, publisher: RecordingPublisher, method: str, path: str
) -> None:
    """HEAD, too, for which a framework would run the GET."""
    response = client.open(path, method=method)
    assert response.status_code == 405
    assert {allowed.strip() for allowed in response.headers["Allow"].split(",")} == {"GET", "POST"}
    if method != "HEAD":
        assert_problem(response, 405)
    assert publisher.published == []


@pytest.mark.parametrize(
    ("failure", "status", "promise"),
    [
        (NotPublished("The broker cannot be reached."), 503, "Nothing was published."),
        (RecordTooLarge("Too large."), 413, "Nothing was published."),
        (OutcomeUnknown("No acknowledgement."), 504, "The event may already be in the topic."),
        (RuntimeError("t0ken"), 500, "It may have published the event."),
    ],
)
def test_a_failure_says_what_is_known(
    client: FlaskClient, publisher: RecordingPublisher, failure: Exception, status: int,
    promise: str,
) -> None:  # fmt: skip
    """Only an error that proves it promises that nothing was published."""
    publisher.failure = failure
    response = client.get("/")
    body = assert_problem(response, status)
    assert body["detail"].endswith(promise)
    assert ("Retry-After" in response.headers) is (status == 503)


def test_an_unexpected_error_reveals_no_secret(
    client: FlaskClient, publisher: RecordingPublisher, caplog: pytest.LogCaptureFixture
) -> None:
    """Its message may quote the request, so neither the response nor the log has it."""
    publisher.failure = RuntimeError("t0ken")
    with caplog.at_level(logging.DEBUG):
        response = client.get("/", headers={"Authorization": "t0ken", "X-Secret": "t0ken"})
    assert response.status_code == 500
    assert "t0ken" not in response.text
    assert "t0ken" not in caplog.text
    assert "RuntimeError" in caplog.text


def test_alive_whatever_the_broker_does(client: FlaskClient, publisher: RecordingPublisher) -> None:
    """The health check depends only on the process, and publishes nothing."""
    publisher.ready = False
    assert client.get("/healthz").status_code == 200
    assert publisher.published == []


def test_ready_only_while_the_publisher_is(
    client: FlaskClient, publisher: RecordingPublisher
) -> None:
    """Readiness follows the publisher, and publishes nothing."""
    assert client.get("/readyz").status_code == 200
    publisher.ready = False
    assert_problem(client.get("/readyz"), 503)
    assert publisher.published == []


def test_another_publisher_can_be_passed(load: LoadSettings) -> None:
    """The hooks of gunicorn.conf.py get the publisher that was passed to the application."""
    publisher = RecordingPublisher()
    assert parts_of(create_app(load(), publisher)).publisher is publisher
