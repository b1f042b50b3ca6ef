"""Errors are reported in one line, with the right exit code, and no process is left running."""

import json
import os
import resource
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from headcount.run.folder import RunFolder
from headcount.stack.broker import Broker
from tests.conftest import NewBroker
from tests.e2e.command import a_short_run, headcount, left_by
from tests.manifests import MANIFEST
from tests.permissions import DENIED, guarded_broker
from tests.processes import is_alive
from tests.service.server import serving

pytestmark = pytest.mark.e2e

UNREACHABLE = replace(MANIFEST, bootstrap_servers="127.0.0.1:1", start_offsets={0: 0})


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """The folder for runs."""
    return tmp_path / "reports"


def error_line(err: str) -> str:
    """Return the one error line; check that there is no traceback."""
    assert "Traceback" not in err
    (line,) = [line for line in err.splitlines() if line.startswith("headcount: ")]
    return line


def test_an_unreachable_broker(reports: Path) -> None:
    """The message names the address."""
    options = ("--bootstrap-servers", "127.0.0.1:1", "--reports-dir", str(reports))
    run = headcount(reports, *a_short_run(*options))
    assert run.code == 5
    assert "no Kafka broker answered at 127.0.0.1:1" in error_line(run.err)


def test_a_service_that_dies_at_start(reports: Path, broker: Broker, topic: str) -> None:
    """The message has the service's own reason and the path of its log."""
    options = ("--bootstrap-servers", broker.bootstrap_servers, "--topic", topic)
    run = headcount(
        reports, *a_short_run(*options), "--reports-dir", str(reports), SERVICE_THREADS="none"
    )
    assert run.code == 5
    assert "SERVICE_THREADS" in error_line(run.err)
    assert "service.log" in error_line(run.err)


def test_a_locustfile_with_a_syntax_error(reports: Path, tmp_path: Path) -> None:
    """The message names file and line, before any part is started."""
    (tmp_path / "broken.py").write_text("import locust\nclass\n")
    options = ("--reports-dir", str(reports))
    run = headcount(reports, *a_short_run(str(tmp_path / "broken.py"), *options))
    assert run.code == 2
    assert "broken.py is not valid Python, line 2" in error_line(run.err)
    assert not reports.exists()


def test_a_locustfile_that_fails(reports: Path, tmp_path: Path, broker: Broker, topic: str) -> None:
    """It is a usage error: the message has the exception and its line."""
    (tmp_path / "failing.py").write_text("raise ValueError('no such shop')\n")
    brokers = ("--bootstrap-servers", broker.bootstrap_servers, "--topic", topic)
    options = (*brokers, "--reports-dir", str(reports), "--host", "http://127.0.0.1:1")
    run = headcount(reports, *a_short_run(str(tmp_path / "failing.py"), *options))
    assert run.code == 2
    assert "cannot be loaded: ValueError: no such shop (failing.py:1)" in error_line(run.err)


def test_a_run_folder_that_exists(reports: Path) -> None:
    """The existing folder is not changed."""
    (reports / "run-1").mkdir(parents=True)
    run = headcount(reports, *a_short_run("--reports-dir", str(reports)))
    assert run.code == 2
    assert "already exists" in error_line(run.err)
    assert list((reports / "run-1").iterdir()) == []


@pytest.mark.slow
def test_a_disk_that_refuses_the_ledger(
    reports: Path, broker: Broker, topic: str, tmp_path: Path
) -> None:
    """A ledger that cannot grow ends the run."""
    servers = broker.bootstrap_servers
    with serving(tmp_path / "service.log", BOOTSTRAP_SERVERS=servers, TOPIC=topic) as service:
        host = f"http://127.0.0.1:{service.port}"
        options = ("--bootstrap-servers", servers, "--topic", topic, "--host", host)
        run = headcount(
            reports,
            *a_short_run(*options, "--reports-dir", str(reports), "-t", "20s", "-u", "80"),
            prepare=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5_500, 5_500)),
        )
    assert run.code == 5
    assert "the ledger cannot be written" in error_line(run.err)


@pytest.mark.parametrize("arguments", [("verify", "nowhere"), ("verify", "."), ("run", "none.py")])
def test_a_path_that_does_not_exist(reports: Path, arguments: tuple[str, ...]) -> None:
    """A missing run or locustfile is a usage error."""
    assert headcount(reports, *arguments, "--reports-dir", str(reports)).code == 2


def test_an_unknown_class(reports: Path) -> None:
    """A limit on an unknown class is refused before the load, not after it."""
    run = headcount(reports, *a_short_run("--reports-dir", str(reports), "--allow", "los=1"))
    assert run.code == 2
    assert "--allow takes lost, " in error_line(run.err)
    assert not reports.exists()


@pytest.fixture
def harmed(reports: Path) -> Path:
    """The folder of a run that was judged before; a test damages it."""
    folder = RunFolder(reports / "run-1")
    folder.create()
    folder.write_manifest(UNREACHABLE)
    (folder.path / "verdict.json").write_text("{}")
    return folder.path


def _set_format(path: Path) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))


def test_a_run_of_a_newer_format(harmed: Path) -> None:
    """A newer format is refused."""
    _set_format(harmed / "run.json")
    judged = headcount(harmed.parent, "verify", str(harmed))
    assert judged.code == 3
    assert "format 99, but only 1 can be read: use the version" in error_line(judged.err)


def test_a_manifest_that_is_damaged(harmed: Path) -> None:
    """The message says that the manifest is damaged."""
    (harmed / "run.json").write_text('{"run_id": 5}')
    judged = headcount(harmed.parent, "verify", str(harmed))
    assert judged.code == 3
    assert "run.json is damaged" in error_line(judged.err)


@pytest.mark.slow
def test_a_wrong_broker_address(harmed: Path) -> None:
    """The message names the address; the earlier verdict is removed."""
    judged = headcount(harmed.parent, "verify", str(harmed), "--bootstrap-servers", "127.0.0.1:1")
    assert judged.code == 5
    assert "no Kafka broker answered at 127.0.0.1:1" in error_line(judged.err)
    assert not (harmed / "verdict.json").exists()


def test_a_mark_without_a_run(reports: Path) -> None:
    """The error is the same as for any other command."""
    marked = headcount(reports, "mark", str(reports / "none"), "what happened")
    assert marked.code == 2
    assert "is not a run folder" in error_line(marked.err)


@pytest.mark.slow
def test_a_topic_without_permission(reports: Path, new_broker: NewBroker) -> None:
    """The message names the topic and the missing permission."""
    broker = guarded_broker(new_broker, "secret", DENIED)
    options = ("--bootstrap-servers", broker.bootstrap_servers, "--topic", "secret")
    run = headcount(reports, *a_short_run(*options, "--reports-dir", str(reports)))
    broker.stop()
    assert run.code == 5
    assert "'secret'" in error_line(run.err)
    assert "the user lacks the right Describe; to grant it: kafka-acls" in error_line(run.err)


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["Starting the broker", "Load:", "Starting Spark"])
def test_ctrl_c_leaves_nothing(reports: Path, moment: str) -> None:
    """An interrupt at any moment leaves no process, which could occupy a port of the next run."""
    before = set(psutil.pids())
    command = [sys.executable, "-m", "headcount", *a_short_run("--reports-dir", str(reports))]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        watchdog = threading.Timer(600, process.kill)
        watchdog.start()
        assert process.stderr is not None
        output = ""
        while moment not in output and (more := os.read(process.stderr.fileno(), 4096)):
            output += more.decode()
        parts = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        output += process.stderr.read()
        code = process.wait()
        watchdog.cancel()
    assert moment in output
    assert code == 130, output
    assert "interrupted" in error_line(output)
    assert left_by(reports, before) == []
    assert [part for part in parts if is_alive(part)] == []
