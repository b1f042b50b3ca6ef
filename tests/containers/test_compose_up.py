"""The whole Compose file, and its secured variant: built, brought up, loaded, and judged."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from headcount.cli.platform import platform
from headcount.console import Console
from headcount.kafka_settings import jaas
from headcount.run.verdict import Verdict
from headcount.stack.process import wait_until
from headcount.stack.secure_listener import write_server
from tests.containers.engine import DEADLINE_S, Engine, engine
from tests.containers.stand_ins import build_kafka, image_name, import_python, served_folder
from tests.test_compose import ROOT, dot_env

pytestmark = [pytest.mark.e2e, pytest.mark.heavy, pytest.mark.root]

COPIED = (
    *("docker-compose.yml", ".env", ".dockerignore", "pyproject.toml", "requirements.lock"),
    *("README.md", "LICENSE", "headcount", "service", "locustfiles", "analysis", "examples"),
    "scripts",
)
THIS_ENGINE = "this-engine.yml"
LIMITS_MB = {"headcount-service": 225, "headcount-load": 300, "headcount-analysis": 900}
"""The size of each image; the stand-in that they are made of has 145 MB."""

VOLUMES = {"headcount_kafka-data", "headcount_game"}
SECURED = ("examples/compose/secured.yml", "secured-broker.yml")
USER, PASSWORD = "alice", "not-to-be-seen"
FORM = {"user_count": "10", "spawn_rate": "10", "run_time": "10s", "thresholds": "lost == 0"}
_ASK = """\
import sys, urllib.parse, urllib.request
form = sys.argv[2].encode() or None
print(urllib.request.urlopen("http://127.0.0.1:8089" + sys.argv[1], form, 60).read().decode())
"""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A copy of the repository, whose reports belong to the containers' user."""

    engine: Engine
    folder: Path

    def compose(self, *arguments: str, files: tuple[str, ...] = ()) -> str:
        """Run Compose with docker-compose.yml, and more files."""
        chosen = ("docker-compose.yml", *files, THIS_ENGINE)
        named = [part for file in chosen for part in ("--file", file)]
        variables = {name: image_name(name) for name in ("PYTHON_IMAGE", "KAFKA_IMAGE")}
        if files:
            variables["HEADCOUNT_BOOTSTRAP_SERVERS"] = "broker:9093"
            variables["HEADCOUNT_KAFKA_FOLDER"] = str(self.folder / "kafka")
        return self.engine.compose(self.folder, *named, *arguments, **variables)

    def locust(self, path: str, files: tuple[str, ...], **fields: str) -> dict[str, object]:
        """Ask Locust's web UI, in its container."""
        form = "&".join(f"{name}={value.replace(' ', '+')}" for name, value in fields.items())
        command = ("exec", "--no-TTY", "locust", "python", "-c", _ASK, path, form)
        answer: dict[str, object] = json.loads(self.compose(*command, files=files))
        return answer


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """An engine with the images of the Compose file, and a copy of the repository."""
    folder = tmp_path_factory.mktemp("containers")
    copy = folder / "headcount"
    copy.mkdir()
    for name in COPIED:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, copy / name)
    shutil.copy(Path(__file__).parent / THIS_ENGINE, copy)
    (copy / "reports").mkdir()
    _give(copy / "reports", int(dot_env()["HEADCOUNT_UID"]))
    ready = platform(dict(os.environ), Console(quiet=True))
    with engine(folder, served_folder(ready)) as running:
        import_python(running, ready)
        build_kafka(running, ready, folder)
        made = Checkout(running, copy)
        made.compose("--profile", "verify", "build")
        yield made


def _give(folder: Path, user: int) -> None:
    os.chown(folder, user, int(dot_env()["HEADCOUNT_GID"]))


def write_client(folder: Path) -> None:
    """Write the certificates of a broker, and the settings and the password of its clients."""
    folder.mkdir()
    authority = trustme.CA()
    write_server(folder / "server.pem", authority.issue_cert("broker"))
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    (folder / "client.properties").write_text(
        "security.protocol=SASL_SSL\n"
        "ssl.ca.location=/run/kafka/ca.pem\n"
        "sasl.mechanism=PLAIN\n"
        f"sasl.username={USER}\nsasl.password={PASSWORD}\n"
    )
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)  # the service has a user of its own


def a_run(checkout: Checkout, files: tuple[str, ...]) -> dict[str, object]:
    """Bring the Compose file up, start a test in the web UI, and judge it; return the verdict.

    The page's advice is the command that judges it, and that command prints the host's path.
    """
    checkout.compose("up", "--detach", "--no-build", files=files)
    wait_until(lambda: _is_ready(checkout, files), DEADLINE_S, "Locust has its workers")
    assert checkout.locust("/swarm", files, **FORM)["success"]

    def stage() -> dict[str, object]:
        return checkout.locust("/headcount/delivery.json", files)

    wait_until(lambda: stage()["stage"] == "not judged", DEADLINE_S, "the test is over")
    run_id = str(stage()["run_id"])
    command = f"run --rm analysis headcount verify {run_id}"
    assert f"docker compose {command}" in json.dumps(stage()) or files
    printed = checkout.compose(*command.replace("--rm", "--rm --no-TTY").split(), files=files)
    assert f"Report: reports/{run_id}/report.html" in printed
    verdict: dict[str, object] = json.loads(
        (checkout.folder / "reports" / run_id / "verdict.json").read_text()
    )
    return verdict


def _is_ready(checkout: Checkout, files: tuple[str, ...]) -> bool:
    workers = checkout.locust("/stats/requests", files).get("workers")
    assert isinstance(workers, list)
    return len(workers) == int(dot_env()["HEADCOUNT_GENERATORS"])


def assert_passed(verdict: dict[str, object]) -> None:
    """Check that everything was delivered."""
    counts = verdict["counts"]
    assert isinstance(counts, dict)
    assert verdict["verdict"] == Verdict.PASS
    assert counts["delivered"] == counts["attempted"] > 0


def test_the_images(checkout: Checkout) -> None:
    """Each has one name, and is no larger than it needs to be."""
    listed = checkout.engine.docker("image", "ls", "--format", "{{.Repository}}").split()
    assert sorted(name for name in listed if name.startswith("headcount")) == sorted(LIMITS_MB)
    sizes_mb = {name: _size_mb(checkout, name) for name in LIMITS_MB}
    assert {name: mb for name, mb in sizes_mb.items() if mb >= LIMITS_MB[name]} == {}


def _size_mb(checkout: Checkout, image: str) -> float:
    size = checkout.engine.docker("image", "inspect", "--format", "{{.Size}}", image)
    return int(size) / 1e6


def test_the_compose_file(checkout: Checkout) -> None:
    """Brought up as it is, it gives a run that passes, and `down` leaves its two volumes only."""
    try:
        assert_passed(a_run(checkout, ()))
        checkout.compose("--profile", "verify", "down")
        assert set(checkout.engine.docker("volume", "ls", "--quiet").split()) == VOLUMES
    finally:
        checkout.compose("--profile", "verify", "down", "--volumes")


def test_reports_of_another_user(checkout: Checkout) -> None:
    """If ./reports is another user's, log and start form say so, and name the settings."""
    reports = checkout.folder / "reports"
    _give(reports, 1234)
    try:
        checkout.compose("up", "--detach", "--no-build")
        wait_until(lambda: _is_ready(checkout, ()), DEADLINE_S, "Locust has its workers")
        answer = checkout.locust("/swarm", (), **FORM)
        log = checkout.compose("logs", "locust")
    finally:
        checkout.compose("down", "--volumes")
        _give(reports, int(dot_env()["HEADCOUNT_UID"]))
    assert not answer["success"]
    for text in (str(answer["message"]), log):
        assert "reports belongs to 1234:1000, and user 1000:1000 cannot write to it" in text
        assert "set HEADCOUNT_UID and HEADCOUNT_GID in .env" in text


def test_its_secured_variant(checkout: Checkout) -> None:
    """With a broker that wants TLS and a login; the password is in no container's settings."""
    write_client(checkout.folder / "kafka")
    broker = (Path(__file__).parent / SECURED[1]).read_text()
    (checkout.folder / SECURED[1]).write_text(broker)
    (checkout.folder / "broker.env").write_text(
        "KAFKA_LISTENER_NAME_CLIENTS_PLAIN_SASL_JAAS_CONFIG="
        + jaas.write(jaas.PLAIN, {f"user_{USER}": PASSWORD})
    )
    try:
        verdict = a_run(checkout, SECURED)
        containers = checkout.compose("ps", "--quiet", "service", "locust", "worker", files=SECURED)
        inspected = checkout.engine.docker("inspect", *containers.split())
        logs = checkout.compose("logs", files=SECURED)
    finally:
        checkout.compose("--profile", "verify", "down", "--volumes", files=SECURED)
    assert_passed(verdict)
    assert PASSWORD not in inspected
    assert PASSWORD not in logs
    files = [path for path in (checkout.folder / "reports").rglob("*") if path.is_file()]
    assert [path for path in files if PASSWORD.encode() in path.read_bytes()] == []
