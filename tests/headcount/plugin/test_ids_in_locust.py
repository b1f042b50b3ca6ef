"""Ids in a real Locust: each generator writes them as the master's options say."""

import json
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pyarrow.fs as pafs
import pytest

from headcount.ledger.endpoints import endpoint_texts, read_endpoints
from headcount.run.folder import RunFolder
from headcount.run.id_form import RunIds
from headcount.run.id_settings import IdSettings, parse_id_settings
from headcount.run.manifest import Manifest
from headcount.run.message_format import FormatSettings
from headcount.stack.ports import free_port, is_listening
from tests.headcount.plugin.locusts import DEADLINE_S, Bench

pytestmark = pytest.mark.e2e

PAGE = Path(__file__).parents[3] / "docs" / "scenarios.md"
SECRET = "hunter2"  # noqa: S105 - not a real secret
BUYER = """
from locust import constant, task
from headcount.plugin import EVENT_ID, LedgerUser

class Buyer(LedgerUser):
    wait_time = constant(0.05)

    @task
    def buy(self):
        order = {"order_id": EVENT_ID, "quantity": 1}
        event = {"event_type": "bought", **order}
        self.client.post("/orders", json=order, event=event)
        self.client.put(f"/orders/{EVENT_ID}/lines", json=[EVENT_ID], event=event)
        self.client.post("/forms", data={"id": EVENT_ID}, event=event)
"""


@pytest.fixture
def buyer(tmp_path: Path) -> str:
    """A locustfile whose requests contain their ids."""
    path = tmp_path / "buyer.py"
    path.write_text(BUYER)
    return str(path)


def manifest_of(bench: Bench) -> Manifest:
    """The manifest of the only run."""
    (path,) = bench.reports.glob("*/run.json")
    return RunFolder(path.parent).read_manifest()


def assert_ids_agree(bench: Bench, settings: IdSettings) -> None:
    """Assert that header, body and path of each request have the id of a row, and the manifest."""
    manifest = manifest_of(bench)
    assert (manifest.id_form, manifest.id_header) == (settings.form, settings.header)
    assert manifest.id_location == settings.location
    ids = RunIds(manifest.tag, settings.form)
    rows = bench.rows(manifest.run_id)
    written = sorted(ids.text(row["generator"], row["seq"]) for row in rows)
    assert len(written) > 10
    headers = bench.service.received
    texts = [text.split("-")[1] if text.startswith("00-") else text for text in headers]
    assert sorted(texts) == written
    assert sorted(map(placed_id, bench.service.requests)) == written
    assert endpoints_of(bench) == {
        "bought": ("POST /forms", "POST /orders", "PUT /orders/{event_id}/lines")
    }


def endpoints_of(bench: Bench) -> Mapping[str, tuple[str, ...]]:
    """Return the requests that the ledger names, by event type."""
    (ledger,) = bench.reports.glob("*/ledger")
    numbers = [int(path.name) for path in ledger.iterdir()]
    filesystem = pafs.LocalFileSystem()
    return endpoint_texts(read_endpoints(filesystem, str(ledger), number) for number in numbers)


def placed_id(request: tuple[str, str]) -> str:
    """Return the id that a request's path and body contain."""
    path, body = request
    if path == "/forms":
        return body.removeprefix("id=")
    if path == "/orders":
        return str(json.loads(body)["order_id"])
    (event_id,) = json.loads(body)
    assert path == f"/orders/{event_id}/lines"
    return str(event_id)


@pytest.mark.parametrize(
    ("ids", "options"),
    [
        (("uuid", "X-Request-Id", "json:/payload/id"), ("--processes", "2")),
        (("trace", "", ""), ()),
        pytest.param(("plain", "Idempotency-Key", "key"), (), marks=pytest.mark.slow),
        pytest.param(("trace", "", "header:a"), ("--processes", "2"), marks=pytest.mark.slow),
    ],
)
def test_each_request_has_its_id(
    bench: Bench, buyer: str, ids: tuple[str, str, str], options: tuple[str, ...]
) -> None:
    """In its header and where the scenario puts it, in one process and in several."""
    settings = parse_id_settings(*ids)
    bench.service.id_header = settings.header
    pairs = zip(("--id-form", "--id-header", "--id-at"), ids, strict=True)
    words = [f"{name}={text}" for name, text in pairs if text]
    bench.headless(*words, *options, locustfile=buyer)
    assert_ids_agree(bench, settings)
    types = {row["event_type"] for row in bench.rows()}
    assert types == {"bought"}


def test_the_page_s_example(bench: Bench, tmp_path: Path) -> None:
    """Its requests have the id in body or path, and their events in the field named there."""
    section = PAGE.read_text().split("\n## The id in the request\n")[1]
    (tmp_path / "example.py").write_text(section.split("```python\n")[1].split("```")[0])
    assert "`--id-at field:order_id`" in section
    bench.headless("--id-at", "field:order_id", locustfile=str(tmp_path / "example.py"))
    bench.assert_accounts_agree()
    for path, body in bench.service.requests:
        place = path.removeprefix("/payments/") if path != "/orders" else json.loads(body)
        assert (place["order_id"] if isinstance(place, dict) else place) in bench.service.received
    shapes = {row["event_type"]: row["shape"] for row in bench.rows()}
    assert shapes == {"order_placed": "item,quantity", "paid": "amount,currency"}


def test_the_format_is_recorded_without_secrets(
    bench: Bench, buyer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The manifest names format, place and registry; no file and no output has the password."""
    monkeypatch.setenv("HEADCOUNT_COMPARE_AT", "/data")
    url = f"https://registry:8081/apis?token={SECRET}"
    output = bench.headless(
        *("--format", "avro", "--schema-registry", url, "-L", "DEBUG", "--processes", "2"),
        locustfile=buyer,
    )
    expected = FormatSettings("avro", "/data", "https://registry:8081/apis")
    assert manifest_of(bench).format_settings == expected
    assert SECRET not in output
    files = [path for path in bench.reports.rglob("*") if path.is_file()]
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []


def test_the_web_form_decides_too(bench: Bench, buyer: str) -> None:
    """It has the options for ids, and names a mistake in them before a test starts."""
    port = free_port()
    web = f"http://127.0.0.1:{port}"
    bench.service.id_header = "traceparent"
    options = ("--web-host", "127.0.0.1", "--web-port", str(port))
    with bench.started(bench.command(*options, locustfile=buyer)) as locust:
        bench.wait_for(lambda: is_listening(port), "the web UI listens")
        form = f"{web}/headcount/start-form.html"
        with urllib.request.urlopen(form, timeout=120) as answer:  # noqa: S310 - it is http
            page = answer.read().decode()
        assert all(name in page for name in ("id_header", "id_form", "id_at"))
        assert "schema_registry" not in page
        assert "--id-at traceparent takes a trace-id" in swarm(web, id_at="traceparent")
        assert "--id-form must be plain, uuid or trace" in swarm(web, id_form="hex")
        assert '"success":true' in swarm(web, id_form="trace").replace(" ", "")
        bench.wait_for(lambda: len(bench.service.received) > 30, "requests arrive")
        post(f"{web}/stop")
        bench.wait_for(lambda: bench.is_sealed(manifest_of(bench).run_id), "it is sealed")
        locust.terminate()
        locust.wait(DEADLINE_S)
    assert_ids_agree(bench, parse_id_settings("trace", "", ""))


def swarm(web: str, **fields: str) -> str:
    """Press Start, and return the response."""
    return post(f"{web}/swarm", user_count="4", spawn_rate="4", **fields)


def post(url: str, **fields: str) -> str:
    """Send a form, and return the response."""
    form = urllib.parse.urlencode(fields).encode()
    with urllib.request.urlopen(url, form, timeout=120) as answer:  # noqa: S310 - it is http
        text: str = answer.read().decode()
    return text
