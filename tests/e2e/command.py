"""Runs the `headcount` command for a test, and returns its outcome."""

import contextlib
import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from headcount.run.folder import RunFolder

DEADLINE_S = 900.0
LOOK_EVERY_S = 1.0
"""How often the listening sockets of a command are checked, which takes a tenth of a second."""

PATIENT = {"SERVICE_ACK_TIMEOUT_S": "60"}
"""A service that still answers if a slow machine delays the acknowledgement."""
LOOPBACKS = {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


@dataclass(frozen=True)
class CompletedCommand:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str
    folder: Path

    @property
    def verdict(self) -> dict[str, Any]:
        """The run's `verdict.json`."""
        document: dict[str, Any] = json.loads((self.folder / "verdict.json").read_text())
        return document

    @property
    def tag(self) -> str:
        """The tag with which the run's ids begin."""
        return RunFolder(self.folder).read_manifest().tag

    def table(self, name: str) -> list[dict[str, str]]:
        """Read one of the run's CSV files."""
        with (self.folder / name).open(newline="") as file:
            return list(csv.DictReader(file))


def headcount(
    reports: Path,
    *arguments: str,
    run_id: str = "run-1",
    prepare: Callable[[], None] | None = None,
    **environ: str,
) -> CompletedCommand:
    """Run the command; check that it leaves no process and listens only on loopback addresses."""
    command = [sys.executable, "-m", "headcount", *arguments]
    before = set(psutil.pids())
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **PATIENT, **environ},
        preexec_fn=prepare,  # noqa: PLW1509 - it sets limits, and takes no lock
    ) as process:
        deadline, exposed, output = time.monotonic() + DEADLINE_S, set[str](), None
        while output is None:
            assert time.monotonic() < deadline
            exposed |= open_beyond_loopback(process.pid)
            with contextlib.suppress(subprocess.TimeoutExpired):
                output = process.communicate(timeout=LOOK_EVERY_S)
    assert left_by(reports, before) == []
    assert exposed == set()
    return CompletedCommand(process.returncode, *output, reports / run_id)


def open_beyond_loopback(pid: int) -> set[str]:
    """The addresses at which a process and its descendants listen, without loopback ones."""
    addresses = set()
    with contextlib.suppress(psutil.Error):
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                for connection in process.net_connections("inet"):
                    if (
                        connection.status == psutil.CONN_LISTEN
                        and connection.laddr.ip not in LOOPBACKS
                    ):
                        addresses.add(
                            f"{process.name()} at {connection.laddr.ip}:{connection.laddr.port}"
                        )
    return addresses


def left_by(reports: Path, before: set[int]) -> list[str]:
    """Return the command lines of new processes that refer to these reports."""
    lines = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        line = " ".join(process.info["cmdline"] or ())
        if process.info["pid"] not in before and str(reports) in line:
            lines.append(line)
    return lines


def a_short_run(*more: str) -> list[str]:
    """Return the arguments of a run of two seconds, which may be too short for any request."""
    return ["run", "-u", "5", "-t", "2s", "--seed", "1", "--run-id", "run-1", *more]


def a_counted_run(*more: str, scenario: str = "mixed") -> list[str]:
    """Return the arguments of a run that ends after enough requests, on any machine."""
    plan = ("-u", "20", "-t", "10m", "--seed", "1")
    return ["run", f"tests/e2e/{scenario}_locustfile.py", *plan, "--run-id", "run-1", *more]
