"""`headcount verify` on whole runs whose schemas are in a real registry."""

import uuid
from pathlib import Path

import pytest

from headcount.stack.broker import Broker
from headcount.stack.jvm.ivy import Fetcher
from headcount.stack.jvm.java import Java
from tests.e2e.command import CompletedCommand, headcount
from tests.e2e.evolving_run import FORMATS, UNKNOWN, EvolvingService, a_run
from tests.registries import running_registry

pytestmark = [pytest.mark.e2e, pytest.mark.heavy]

EVENTS = 200_000
LOST_SCHEMAS = frozenset({0, EVENTS // 2, EVENTS - 1})

every_format = pytest.mark.parametrize("name", FORMATS)


def service_of(
    name: str, registry: str, lost_schemas: frozenset[int] = frozenset()
) -> EvolvingService:
    """Make a service with a subject of its own."""
    subject = f"events-{uuid.uuid4().hex[:8]}-value"
    return EvolvingService(name, registry, subject, EVENTS // 2, lost_schemas)


def verified(reports: Path) -> CompletedCommand:
    """Judge the run."""
    return headcount(reports, "verify", str(reports / "run-1"))


@every_format
def test_a_schema_evolves_while_the_run_goes_on(
    name: str, broker: Broker, topic: str, registry: str, tmp_path: Path
) -> None:
    """Half of the messages have one more field with a default: every event is delivered intact."""
    service = service_of(name, registry)
    a_run(tmp_path / "run-1", broker.bootstrap_servers, topic, EVENTS, service)
    assert len({schema_id for schema_id, _ in service.versions}) == 2

    judged = verified(tmp_path)

    assert (judged.code, judged.verdict["verdict"]) == (0, "pass"), (judged.out, judged.err)
    counts = judged.verdict["counts"]
    assert (counts["attempted"], counts["delivered"]) == (EVENTS, EVENTS)
    assert (counts["corrupted"], counts["malformed"], counts["foreign"]) == (0, 0, 0)


@every_format
def test_a_schema_that_the_registry_does_not_have(
    name: str, broker: Broker, topic: str, registry: str, tmp_path: Path
) -> None:
    """The messages that name it are malformed, with its number; their events are lost."""
    service = service_of(name, registry, LOST_SCHEMAS)
    a_run(tmp_path / "run-1", broker.bootstrap_servers, topic, EVENTS, service)

    judged = verified(tmp_path)

    assert (judged.code, judged.verdict["verdict"]) == (1, "fail"), (judged.out, judged.err)
    counts = judged.verdict["counts"]
    lost = len(LOST_SCHEMAS)
    assert (counts["attempted"], counts["delivered"]) == (EVENTS, EVENTS - lost)
    assert (counts["lost"], counts["malformed"], counts["garbled"]) == (lost, lost, lost)
    assert f"not in the registry, schema {UNKNOWN}" in judged.out


@every_format
def test_a_registry_that_is_gone(  # noqa: PLR0917 - fixtures
    name: str, broker: Broker, topic: str, java: Java, fetcher: Fetcher, tmp_path: Path
) -> None:
    """Nothing is known about any message: the run is inconclusive, and no event is lost."""
    with running_registry(java, fetcher, tmp_path / "registry") as url:
        service = service_of(name, url)
        a_run(tmp_path / "run-1", broker.bootstrap_servers, topic, EVENTS, service)

    judged = verified(tmp_path)

    assert (judged.code, judged.verdict["verdict"]) == (3, "inconclusive"), (judged.out, judged.err)
    (reason,) = judged.verdict["reasons"]
    assert reason.startswith(f"cannot query the schema registry {url}: "), reason
    assert judged.verdict["counts"] is None
