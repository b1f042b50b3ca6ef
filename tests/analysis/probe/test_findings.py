"""Findings: the exit code, and the text that says what to use or what to check."""

import re
from dataclasses import replace
from typing import Any

import pytest
from headcount_analysis.messages.record import Record
from headcount_analysis.probe.advice_text import KnownArguments
from headcount_analysis.probe.findings import ProbeFindings, TopicFinding, TopicSample, find
from headcount_analysis.probe.findings_text import text_of

from headcount.run.request_outcome import Outcome
from tests.analysis.probe.services import (
    COUNT,
    FORMATS,
    HEADER_IDS,
    REQUESTS,
    Message,
    json_of,
    order,
    records,
    request,
    sample,
)

KNOWN = KnownArguments(
    ("headcount", "run", "my orders.py", "--bootstrap-servers", "kafka:9092"), ("--", "-T", "x")
)
SETTLE_S = 5.0


def nested(headers: Any, event: Any) -> Message:
    """Headers and order one level down."""
    return json_of({"request_headers": dict(headers), "order": event}), None, ()


def without_id(_headers: Any, event: Any) -> Message:
    """The order alone."""
    return json_of({"order": event}), None, ()


def topic_finding(topic_sample: TopicSample) -> TopicFinding:
    """Find the options for a topic."""
    return find(topic_sample, REQUESTS, HEADER_IDS, FORMATS)


def findings(*samples: TopicSample, requests: Any = None, **more: Any) -> ProbeFindings:
    """Find the options for topics."""
    chosen = tuple(REQUESTS.values()) if requests is None else tuple(requests)
    return ProbeFindings(chosen, tuple(map(topic_finding, samples)), **more)


def text(seen: ProbeFindings) -> str:
    """Describe findings."""
    return text_of(seen, KNOWN, SETTLE_S)


def command(shown: str) -> str:
    """Return the command at the end of a text, on one line."""
    return re.sub(r"\s*\\\n\s*", " ", shown[shown.index("  headcount run") :]).strip()


def test_all_ids_at_one_place() -> None:
    """The command can be copied, with the user's own options, and the exit code is 0."""
    seen = findings(sample(records(nested)))
    shown = text(seen)
    assert seen.exit_code == 0
    assert "4 requests: 4 acknowledged\n4 messages with their ids in the topic orders" in shown
    assert "after 3 to 6 ms" in shown
    assert "compared  at /order; as requested: item, quantity" in shown
    assert command(shown) == (
        "headcount run 'my orders.py' --bootstrap-servers kafka:9092 --topic orders "
        "--id-at json:/request_headers/X-Event-Id --compare-at /order -- -T x"
    )
    assert max(map(len, shown.splitlines())) <= 100


def test_clocks_that_differ() -> None:
    """A message from before its request is no delay."""
    early = [replace(record, timestamp_ms=1) for record in records(nested)]
    assert "the clocks differ" in text(findings(sample(early)))


def test_an_id_that_is_missing() -> None:
    """Then the probe is not complete, and names the event type."""
    seen = findings(sample(records(nested, range(COUNT - 1))))
    assert seen.exit_code == 3
    assert "For 1 acknowledged request (order_placed), no message" in text(seen)
    assert "--settle" in text(seen)


def test_a_request_that_was_not_acknowledged() -> None:
    """Its message need not arrive."""
    requests = [*list(REQUESTS.values())[:-1], request(3, outcome=Outcome.FAILED, status=404)]
    answers = {"404": "no such chair"}
    seen = findings(sample(records(nested, range(3))), requests=requests, answers=answers)
    assert seen.exit_code == 0
    assert "  HTTP 404, 1 time: no such chair" in text(seen)


def test_requests_that_were_redirected() -> None:
    """The text says that redirects are not followed, and what to do; it does not of a 404."""
    for status, is_redirect in ((307, True), (404, False)):
        refused = [request(0, outcome=Outcome.INDETERMINATE, status=status)]
        shown = text(findings(sample([]), requests=refused))
        assert ("Redirects are not followed" in shown) is is_redirect
        assert (f"--outcome '{status} = acked'" in shown) is is_redirect


def test_event_types_in_two_topics() -> None:
    """The options of the other topic are listed, because a run reads only one."""
    one, other = records(nested, range(3)), records(nested, range(3, 4), topic="payments")
    seen = findings(sample(one), sample(other, topic="payments"))
    assert seen.exit_code == 3
    assert "  1 of them: --topic payments --id-at json:/request_headers/X-Event-Id" in text(seen)
    assert "--mix" in text(seen)


def test_a_message_twice() -> None:
    """Two messages with one id would be duplicated in a run."""
    own = records(nested)
    seen = findings(sample([*own, replace(own[0], offset=9)]))
    assert "1 id in more than one message" in text(seen)


def test_content_without_ids() -> None:
    """The text says that the content arrives, and how to get the ids into it."""
    foreign = Record("orders", 0, 9, None, json_of({"order": order(77)}))
    seen = findings(sample([], (*records(without_id), foreign)))
    shown = text(seen)
    assert seen.exit_code == 3
    assert "topic orders: 5 other messages" in shown
    assert "4 of them in orders have the content of a request, but no id" in shown
    assert "EVENT_ID" in shown


def test_an_id_that_no_option_reads() -> None:
    """The text says where it is."""
    own = records(lambda h, o: (json_of({**o, "note": f"for {h['X-Event-Id']}!"}), None, ()))
    seen = findings(sample(own))
    assert seen.exit_code == 3
    assert "in the text at note, but not in the run's form of ids" in text(seen)


def test_no_topic_that_grew() -> None:
    """The text names what to check."""
    seen = findings(TopicSample("orders", 0, 0))
    assert seen.exit_code == 3
    for option in ("--bootstrap-servers", "--topic", "--settle"):
        assert option in text(seen)


NOT_ACKED = [request(n, outcome=Outcome.FAILED, status=404) for n in range(2)]
UNREACHED = [
    request(0, outcome=Outcome.INDETERMINATE, status=None, error="ConnectionResetError: peer")
]


@pytest.mark.parametrize(
    ("requests", "parts"),
    [
        ([], ["0 requests", "add event="]),
        (NOT_ACKED, ["HTTP 404, 2 times: gone", "none of 2 requests", "--host"]),
        (UNREACHED, ["ConnectionResetError, 1 time"]),
    ],
    ids=["none", "refused", "cut off"],
)
def test_no_acknowledgement(requests: Any, parts: list[str]) -> None:
    """The failures are listed with the first body, and nothing is proven."""
    seen = findings(requests=requests, answers={"404": "gone"}, problems=("a task failed",))
    assert seen.exit_code == 3
    for part in (*parts, "  a task failed"):
        assert part in text(seen)


def test_messages_without_an_acknowledgement() -> None:
    """The text says to check the outcome, not to wait longer, and keeps the options that fit."""
    refused = [request(seq, outcome=Outcome.FAILED, status=500) for seq in range(COUNT)]
    seen = findings(sample(records(nested)), requests=refused)
    shown = text(seen)
    assert seen.exit_code == 3
    assert "No request was acknowledged" in shown
    assert "--outcome" in shown
    assert "--settle" not in shown
    assert "--id-at json:/request_headers/X-Event-Id" in command(shown)


def test_fields_that_differ() -> None:
    """The text names them, and says what a run would make of them."""

    def service(headers: Any, event: Any) -> Message:
        return json_of({**event, "quantity": 0, "X-Event-Id": headers["X-Event-Id"]}), None, ()

    seen = findings(sample(records(service)))
    assert seen.exit_code == 0
    assert "  differs   quantity: asked for 1, found 0" in text(seen)
    assert "corrupted" in text(seen)


def test_a_frame_without_a_registry() -> None:
    """Only ids beside the value are read, and the text names the option for the rest."""

    def framed(headers: Any, _event: Any) -> Message:
        return b"\x00\x00\x00\x00\x07Avro", None, (("id", headers["X-Event-Id"].encode()),)

    shown = text(findings(sample(records(framed))))
    assert "--format raw reads no content" in shown
    assert "--schema-registry URL" in shown
