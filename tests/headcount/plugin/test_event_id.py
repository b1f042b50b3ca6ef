"""EVENT_ID in requests: the id is sent wherever it stands, on the short path and the general one.

The program that sends the requests runs in three forms of ids and in both ways.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headcount.ledger.digest import describe
from headcount.run.id_form import IdForm, RunIds
from headcount.run.ids import tag_of

Result = dict[str, Any]

TAG = tag_of(0x123456789ABC)
FORMS = {"plain": "X-Event-Id", "uuid": "X-Event-Id", "trace": "traceparent"}
_CHANGING = re.compile(r"127\.0\.0\.1:\d+|(?<=boundary=)[0-9a-f]+|--[0-9a-f]{32}")


def placed(folder: Path, way: str, form: str) -> Result:
    """Run the program, and return what it prints."""
    command = [sys.executable, "-m", "tests.headcount.plugin.placing", str(folder), way, form]
    done = subprocess.run(
        [*command, "", ""], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    result: Result = json.loads(_CHANGING.sub("…", done.stdout))
    return result


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Result]:
    """What was sent and recorded, by way and form."""
    folder = tmp_path_factory.mktemp("placing")
    return {
        (way, form): placed(folder / f"{way}-{form}", way, form)
        for way in ("lean", "general")
        for form in FORMS
    }


def id_of(form: str, seq: int) -> str:
    """The id of a request."""
    return RunIds(TAG, IdForm(form)).text(0, seq)


@pytest.mark.parametrize("form", FORMS)
def test_where_the_id_is_sent(results: dict[tuple[str, str], Result], form: str) -> None:
    """In a body, path, query, header and form; elsewhere a request is sent as it is written."""
    sent = results["lean", form]["sent"]
    ids = {name: id_of(form, seq) for seq, name in enumerate(sent)}
    bodies = {name: record["body"] for name, record in sent.items()}
    assert bodies["nowhere"] == '{"a": 1}'
    assert json.loads(bodies["json"]) == {"order_id": ids["json"], "a": "ü"}
    nested = ids["nested json"]
    assert json.loads(bodies["nested json"]) == [{"ids": [{"id": nested}], nested: 1}]
    assert json.loads(bodies["longer text"]) == {"ref": f"order {ids['longer text']}/1"}
    assert json.loads(bodies["graphql"])["variables"] == {"id": ids["graphql"]}
    assert bodies["form"] == f"id={ids['form']}&name=a+b"
    assert bodies["text"] == f"<order id='{ids['text']}'/>"
    assert bodies["bytes"] == f"id={ids['bytes']}"
    assert bodies["braces"] == "{event_id}"
    assert f"see {ids['multipart']}" in bodies["multipart"]
    assert f'name="id"\r\n\r\n{ids["multipart"]}\r\n' in bodies["multipart"]
    assert "{event_id}" in bodies["multipart"]  # a file that is read is sent as it is
    targets = {name: record["first"].split()[1] for name, record in sent.items()}
    assert targets["path"] == f"/orders/{ids['path']}?x=1"
    assert targets["path as text"] == f"/orders/{ids['path as text']}/lines"
    assert targets["query"] == f"/orders?id={ids['query']}&a=b+c"
    assert f"Idempotency-Key: {ids['header']}" in sent["header"]["fields"]
    for name, record in sent.items():
        assert f"X-Same: {ids[name]}-1" in record["fields"], name


@pytest.mark.parametrize("form", FORMS)
def test_the_header_is_always_sent(results: dict[tuple[str, str], Result], form: str) -> None:
    """Once, also where the scenario places the id itself, or another value in that header."""
    for seq, record in enumerate(results["lean", form]["sent"].values()):
        name = FORMS[form].lower()
        own = [line for line in record["fields"] if line.lower().startswith(f"{name}: ")]
        event_id = id_of(form, seq)
        text = f"00-{event_id}-{event_id[16:]}-01" if form == "trace" else event_id
        assert own == [f"{FORMS[form]}: {text}"]


@pytest.mark.parametrize("form", FORMS)
def test_both_ways_send_the_same(results: dict[tuple[str, str], Result], form: str) -> None:
    """Every byte, what the scenario sees of it, and the row in the ledger."""
    lean, general = results["lean", form], results["general", form]
    for part in ("sent", "rows"):
        assert lean[part] == general[part]


def test_the_short_path_is_used_where_it_can_be(results: dict[tuple[str, str], Result]) -> None:
    """Only parameters, forms and files take the general path, as they do without an id."""
    lean = results["lean", "plain"]
    general = set(lean["sent"]) - set(lean["short"])
    # A header that takes the id's place is set there, too.
    assert general == {"query", "query refused", "form", "multipart", "own id"}
    assert results["general", "plain"]["short"] == []


def test_statistics_have_one_name(results: dict[tuple[str, str], Result]) -> None:
    """In names, URLs and errors `{event_id}` replaces the id: similar requests share one."""
    sent = results["lean", "plain"]["sent"]
    names = {name: record["name"] for name, record in sent.items()}
    assert names["path"] == "/orders/{event_id}?x=1"
    assert names["path as text"] == "/orders/{event_id}/lines"
    assert names["named path"] == "order {event_id}"
    assert names["query"] == "/orders"
    assert sent["path"]["url"].endswith("/orders/{event_id}?x=1")
    assert "/refused/{event_id}: code=409" in sent["path refused"]["exception"]
    assert "/refused: code=409" in sent["query refused"]["exception"]
    kept = [text for request in sent.values() for text in (request["name"], request["url"])]
    kept += [record["exception"] for record in sent.values()]
    assert not [text for text in kept if TAG in text or "7c41f09b3ad26e85" in text]


def test_the_scenario_sees_what_was_sent(results: dict[tuple[str, str], Result]) -> None:
    """A response's request has the id in URL, headers and body."""
    sent = results["lean", "uuid"]["sent"]
    ids = {name: id_of("uuid", seq) for seq, name in enumerate(sent)}
    assert sent["path"]["seen"][0].endswith(f"/orders/{ids['path']}?x=1")
    assert ids["json"] in sent["json"]["seen"][1]
    assert f"Idempotency-Key: {ids['header']}" in sent["header"]["fields_seen"]
    assert f"X-Event-Id: {ids['header']}" in sent["header"]["fields_seen"]


@pytest.mark.parametrize("form", FORMS)
def test_an_event_with_the_id_is_compared(
    results: dict[tuple[str, str], Result], form: str
) -> None:
    """With the id's text in its place; the field that holds the id is left out."""
    result = results["lean", form]
    seqs = {name: seq for seq, name in enumerate(result["sent"])}
    rows = {name: result["rows"][seq] for name, seq in seqs.items()}
    copy, ref = id_of(form, seqs["value"]), id_of(form, seqs["nested"])
    long, located = id_of(form, seqs["long"]), id_of(form, seqs["location"])
    placed: dict[str, object] = {"event_type": "placed"}
    expected: dict[str, dict[str, object]] = {
        "value": {**placed, "copy": copy},
        "nested": {**placed, "list": [{"ref": f"order {ref}"}, 1]},
        "long": {**placed, "text": "x" * 300, "copy": long},
        "location": placed if form != "trace" else {**placed, "X-Event-Id": located},
    }
    for name, event in expected.items():
        assert rows[name] == list(describe(event)), name


def test_what_is_refused(results: dict[tuple[str, str], Result]) -> None:
    """Before anything is sent, with the reason: the run would prove nothing about it."""
    result = results["lean", "plain"]
    key, located, *without_event = result["refused"]
    assert "EVENT_ID is in the name of a field" in key
    assert "the service writes the request's id into the field x-event-id" in located
    assert len(without_event) == 3
    for reason in without_event:
        assert reason.startswith("StopUser: Buyer in placing.py:")
        assert "a request with EVENT_ID but no event=" in reason
    assert result["received_after"] == 0
