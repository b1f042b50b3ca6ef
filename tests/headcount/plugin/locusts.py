"""Real Locust processes with a counting service and a real broker: run, awaited, inspected."""

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as pads
import pytest

from headcount.ledger.location import open_location
from headcount.ledger.reader import GeneratorLedger, read_ledger
from headcount.run.folder import RunFolder
from headcount.run.ids import EventId
from headcount.run.manifest import Generators
from headcount.stack.broker import Broker
from headcount.stack.ports import free_port
from tests.headcount.plugin.counting_service import CountingService

DEADLINE_S = 240.0
LAST_LINES = 30
ENOUGH = 60
"""The number of requests per generator in a counted run."""
AWAITED = "HEADCOUNT_TESTS_AWAITED"
"""The environment variable that names a folder; a counted run ends once it contains a file."""


def counted(locustfile: str = "locustfiles/mixed.py") -> str:
    """Return the `-f` argument for a scenario whose run ends after enough requests."""
    return f"{locustfile},tests/headcount/plugin/ending.py"


class StartedLocust(subprocess.Popen[bytes]):
    """A Locust process beside the test; `log` is the file that receives its stderr."""

    log: Path
    _is_asked_to_end = False

    def send_signal(self, sig: int) -> None:
        """Send a signal; after one that ends the process, its end is expected."""
        self._is_asked_to_end |= sig not in {signal.SIGSTOP, signal.SIGCONT}
        super().send_signal(sig)

    @property
    def has_ended_by_itself(self) -> bool:
        """Whether it has ended unexpectedly."""
        return not self._is_asked_to_end and self.poll() is not None

    @property
    def stderr_text(self) -> str:
        """Its stderr so far."""
        return self.log.read_text(errors="replace")

    def __str__(self) -> str:
        """Its state and last lines, for failure messages."""
        code = self.poll()
        state = "still runs" if code is None else f"ended with exit code {code}"
        lines = self.stderr_text.splitlines()[-LAST_LINES:]
        return "\n  ".join([f"process {self.pid} {state}; its last lines:", *lines])


@dataclass(frozen=True)
class Bench:
    """The service, broker and folders that every Locust of a test uses."""

    service: CountingService
    broker: Broker
    topic: str
    reports: Path
    seen: dict[int, int] = field(default_factory=dict)
    running: list["StartedLocust"] = field(default_factory=list)

    def command(self, *options: str, locustfile: str = "locustfiles/mixed.py") -> list[str]:
        """Return a Locust command line."""
        values = {
            "--host": self.service.url,
            "--bootstrap-servers": self.broker.bootstrap_servers,
            "--topic": self.topic,
            "--reports-dir": str(self.reports),
        }
        # Parallel tests must not share Locust's default port.
        port = str(free_port())
        values |= {"--master-bind-host": "127.0.0.1", "--master-host": "127.0.0.1"}
        values |= {"--master-bind-port": port, "--master-port": port}
        pairs = [part for pair in values.items() for part in pair]
        # Nothing reads the tables meanwhile, and a full pipe would block Locust.
        options = ("--only-summary", *options)
        return [sys.executable, "-m", "locust", "-f", locustfile, *pairs, *options]

    @contextmanager
    def started(self, command: list[str]) -> Iterator["StartedLocust"]:
        """Run a command beside the test, and end it; its stderr goes to a file."""
        self.reports.parent.mkdir(parents=True, exist_ok=True)
        descriptor, log = tempfile.mkstemp(".log", "locust-", self.reports.parent)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - there is only its descriptor
            process = StartedLocust(command, stderr=file)
        process.log = Path(log)
        self.running.append(process)
        with process:
            try:
                yield process
            finally:
                self.running.remove(process)
                if process.poll() is None:
                    process.kill()

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until a condition holds; fail if a Locust ends first, or after a time-out."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            has_ended = any(locust.has_ended_by_itself for locust in self.running)
            if condition():
                return
            if has_ended or time.monotonic() > deadline:
                reason = "a Locust ended" if has_ended else f"timed out after {DEADLINE_S:g} s"
                states = "\n".join(map(str, self.running))
                pytest.fail(f"{reason} while waiting until {what}\n{states}")
            time.sleep(0.05)

    def headless(
        self,
        *options: str,
        run_id: str = "run-1",
        locustfile: str = "locustfiles/mixed.py",
    ) -> str:
        """Run Locust until enough requests are made, assert exit code 0, and return its stderr."""
        load = ("--headless", "-u", "10", "-r", "10", "--exit-code-on-error", "0")
        command = self.command(*load, "--run-id", run_id, *options, locustfile=counted(locustfile))
        done = subprocess.run(  # noqa: PLW1510 - the code is asserted, with stderr
            command, capture_output=True, text=True, timeout=DEADLINE_S
        )
        assert done.returncode == 0, done.stderr
        return done.stderr

    def ledger(self, run_id: str = "run-1") -> Path:
        """The ledger's location in the manifest."""
        folder = RunFolder(self.reports / run_id)
        return Path(folder.ledger_location(folder.read_manifest()))

    def tag(self, run_id: str = "run-1") -> str:
        """The run's tag in the manifest."""
        return RunFolder(self.reports / run_id).read_manifest().tag

    def parts(self, run_id: str = "run-1") -> list[GeneratorLedger]:
        """Return an overview of the ledger."""
        return read_ledger(*open_location(str(self.ledger(run_id))), self.tag(run_id))

    def is_sealed(self, run_id: str) -> bool:
        """Whether every generator has sealed."""
        return all(part.seal for part in self.parts(run_id))

    def rows(self, run_id: str = "run-1") -> list[dict[str, Any]]:
        """Read every row of the ledger."""
        folder = self.ledger(run_id)
        files = [
            f"{folder}/{part.generator}/{name}"
            for part in self.parts(run_id)
            for name in part.segments
        ]
        table: pa.Table = pads.dataset(files, format="parquet").to_table()
        rows: list[dict[str, Any]] = table.to_pylist()
        return rows

    def has_received_from(self, generator: int) -> bool:
        """Whether the service has received a generator's requests since the last call."""
        seen = sum(f".{generator}." in event_id for event_id in list(self.service.received))
        grown = seen > self.seen.get(generator, 0)
        self.seen[generator] = seen
        return grown

    def assert_accounts_agree(self, run_id: str = "run-1", generators: int = 1) -> None:
        """Assert that received requests and ledger rows correspond one to one."""
        parts = self.parts(run_id)
        assert len(parts) == generators
        assert all(part.seal is not None and not part.damage for part in parts), parts
        begun = RunFolder(self.reports / run_id).read_generators()
        assert begun == Generators(tuple(range(generators)))
        rows, tag = self.rows(run_id), self.tag(run_id)
        written = [str(EventId(tag, row["generator"], row["seq"])) for row in rows]
        assert written
        assert sorted(written) == sorted(self.service.received)
