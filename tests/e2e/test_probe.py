"""`headcount probe`: a few requests of a real scenario show how a service publishes."""

import contextlib
import os
import shlex
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from headcount.kafka.topic import ensure_topic
from headcount.stack.broker import Broker
from headcount.stack.ports import free_port
from headcount.stack.process import Process, wait_until
from tests.e2e.command import CompletedCommand, headcount

pytestmark = pytest.mark.e2e

SCENARIO = """
from locust import constant, task
from headcount.plugin import EVENT_ID, LedgerUser

class Guest(LedgerUser):
    wait_time = constant(60)

    @task(1000)
    def frequent(self):
        order = {{"item": "room", "nights": self.random.randint(1, 5)}}
        self.client.post("{frequent}", json=order, event=order, event_type="order_placed")

    @task(1)
    def rare(self):
        payment = {{"cents": self.random.randint(100, 999)}}
        self.client.post("{rare}", json=payment, event=payment, event_type="paid")
"""
"""With Locust's own choice of tasks and waits, a few seconds would show one of the two tasks."""

MONEY = """
from locust import constant, task
from headcount.plugin import LedgerUser

class Payer(LedgerUser):
    wait_time = constant(1)

    @task
    def pay(self):
        money = {{"currency_code": "EUR", "units": self.random.randint(1, 2**60)}}
        self.client.post("{frequent}", json=money, event=money, event_type="paid")
"""


@dataclass(frozen=True, slots=True)
class ProbedService:
    """A running service, its brokers and its topics."""

    url: str
    brokers: str
    topic: str
    other_topic: str
    folder: Path

    def probe(
        self, frequent: str, rare: str, *more: str, host: str = "", scenario: str = SCENARIO
    ) -> CompletedCommand:
        """Probe it with a scenario for two paths; check that no file stays behind."""
        locustfile, temporary = self.folder / "guests.py", self.folder / "tmp"
        locustfile.write_text(scenario.format(frequent=frequent, rare=rare))
        temporary.mkdir(exist_ok=True)
        named = ("--host", host or self.url, "--bootstrap-servers", self.brokers)
        arguments = ("probe", str(locustfile), *named, "--settle", "60s", *more)
        probed = headcount(temporary, *arguments, TMPDIR=str(temporary))
        assert list(temporary.iterdir()) == []
        return probed


@pytest.fixture
def service(broker: Broker, topic: str, tmp_path: Path) -> Iterator[ProbedService]:
    """The service without a registry."""
    with running_service(broker, topic, tmp_path) as running:
        yield running


@contextlib.contextmanager
def running_service(
    broker: Broker, topic: str, folder: Path, **environ: str
) -> Iterator[ProbedService]:
    """Run the service for the block, in gunicorn as in production."""
    port, other_topic = free_port(), f"test-{uuid.uuid4().hex[:12]}"
    ensure_topic(broker.cluster, other_topic, partitions=1, timeout_s=120)
    names = {"TOPIC": topic, "OTHER_TOPIC": other_topic, "BROKERS": broker.bootstrap_servers}
    environ = {**os.environ, **names, **environ}
    options = ("--bind", f"127.0.0.1:{port}", "--threads", "8", "--no-control-socket")
    command = [sys.executable, "-m", "gunicorn", *options, "tests.e2e.probed_service:app"]
    with Process(
        "the service", command, log_path=folder / "service.log", environ=environ
    ) as process:
        wait_until(lambda: process.listens_on(port), 120, "the service listens", process)
        url = f"http://127.0.0.1:{port}"
        yield ProbedService(url, broker.bootstrap_servers, topic, other_topic, folder)


@pytest.mark.slow
def test_the_command_that_a_probe_proposes(service: ProbedService) -> None:
    """Every task is tried, all topics are watched, and a run with the options passes."""
    probed = service.probe("/nested", "/nested")
    assert probed.code == 0, (probed.out, probed.err)
    assert "of 2 event types" in probed.out
    proposal = shlex.split(probed.out[probed.out.index("headcount run") :].replace("\\\n", ""))
    proposed = dict(zip(proposal[3::2], proposal[4::2], strict=True))
    assert proposed["--topic"] == service.topic
    assert proposed["--id-at"] == "json:/headers/X-Event-Id"
    assert proposed["--compare-at"] == "/order"
    plan = ("-u", "200", "--run-time", "2s", "--run-id", "run-1", "--allow", "unacked=paid")
    reports = service.folder / "reports"
    run = headcount(reports, *proposal[1:], *plan, "--reports-dir", str(reports))
    assert (run.code, run.verdict["verdict"]) == (0, "pass"), (run.out, run.err)


@pytest.mark.heavy
def test_messages_in_protobuf(broker: Broker, topic: str, registry: str, tmp_path: Path) -> None:
    """With the registry's URL, the probe proposes their format, and a run with it passes."""
    with running_service(broker, topic, tmp_path, REGISTRY=registry) as service:
        probed = service.probe("/money", "/money", "--schema-registry", registry, scenario=MONEY)
        assert probed.code == 0, (probed.out, probed.err)
        proposal = shlex.split(probed.out[probed.out.index("headcount run") :].replace("\\\n", ""))
        proposed = dict(zip(proposal[3::2], proposal[4::2], strict=True))
        assert (proposed["--id-at"], proposed["--format"], proposed["--schema-registry"]) == (
            *("header:x-request-id", "protobuf", registry),
        )
        plan = ("-u", "200", "--run-time", "2s", "--run-id", "run-1")
        reports = tmp_path / "reports"
        run = headcount(reports, *proposal[1:], *plan, "--reports-dir", str(reports))
        assert (run.code, run.verdict["verdict"]) == (0, "pass"), (run.out, run.err)


def test_two_topics(service: ProbedService) -> None:
    """Each has options of its own, and a run cannot judge both."""
    probed = service.probe("/nested", "/payments", "--requests", "6")
    assert probed.code == 3, (probed.out, probed.err)
    assert probed.out.startswith("6 requests of 2 event types: 6 acknowledged\n")
    for topic, place in ((service.topic, "json:/headers/X-Ev"), (service.other_topic, "field:cor")):
        assert f"Topic {topic}\n  id        {place}" in probed.out
    command = " ".join(probed.out.replace("\\\n", " ").split())  # how it wraps depends on the port
    assert f"--topic {service.other_topic} --id-form uuid" in command


def test_a_service_that_carries_nothing_on(service: ProbedService) -> None:
    """The content is recognized; the failures of the other task are listed."""
    probed = service.probe("/silent", "/missing", "--topic", service.topic, "--settle", "0s")
    assert probed.code == 3, (probed.out, probed.err)
    assert "have the content of a request, but no id" in probed.out
    assert "event type paid: none of " in probed.out
    assert "HTTP 404, " in probed.out


def test_what_cannot_be_probed(service: ProbedService) -> None:
    """A service that does not listen is a part; a topic that is missing is a mistake."""
    closed = service.probe("/nested", "/nested", host=f"http://127.0.0.1:{free_port()}")
    assert (closed.code, closed.out) == (5, "")
    assert "nothing listens" in closed.err
    missing = service.probe("/nested", "/nested", "--topic", "no-such-topic")
    assert (missing.code, missing.out) == (2, "")
    assert "no-such-topic" in missing.err
