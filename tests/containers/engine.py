"""A Docker engine for the block: in a network of its own without a way out, with its own data."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from headcount.stack.process import Process, wait_until
from tests.containers.compose_program import compose_program
from tests.needs import lacking

PROGRAMS = ("dockerd", "containerd", "runc", "iptables", "ip", "unshare", "setpriv", "docker")
START_DEADLINE_S = 120.0
DEADLINE_S = 1_800.0
SERVED = "http://127.0.0.1:8900"
"""The address of a folder that is served in the engine's network, where builds may reach it."""

_NAMESPACES = ("--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child=KILL")
# With --fork, unshare ignores the signal that tells it that this process has died.
_UNSHARE = ("setpriv", "--pdeathsig", "KILL", "unshare", *_NAMESPACES)
_START = """\
set -e
ip link set lo up
"$3" -m http.server --bind 127.0.0.1 --directory "$2" 8900 >"$1/served.log" 2>&1 &
containerd --root "$1/containerd" --state "$1/containerd-state" --address "$1/containerd.sock" &
while [ ! -S "$1/containerd.sock" ]; do sleep 0.1; done
exec dockerd --data-root "$1/docker" --exec-root "$1/docker-state" --pidfile "$1/docker.pid" \\
    --containerd "$1/containerd.sock" --host "unix://$1/docker.sock"
"""


@dataclass(frozen=True, slots=True)
class Engine:
    """A running engine; `environ` is that of its clients."""

    environ: Mapping[str, str]
    compose_program: Path

    def docker(self, *arguments: str) -> str:
        """Run Docker's client; return its output. AssertionError with its errors if it fails."""
        return self._run(["docker", *arguments])

    def compose(self, folder: Path, *arguments: str, **environ: str) -> str:
        """Run Compose in a folder, as `docker compose` does; return its output."""
        return self._run([str(self.compose_program), *arguments], folder, environ)

    def _run(
        self,
        command: Sequence[str],
        folder: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> str:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**self.environ, **(environ or {})},
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stdout[-4_000:]}{done.stderr[-8_000:]}"
        return done.stdout


@contextlib.contextmanager
def engine(folder: Path, served: Path) -> Iterator[Engine]:
    """Run an engine, and serve a folder in its network; both end with the block.

    Skips the test without root, or if the machine lacks a program that is needed.
    """
    if os.geteuid() != 0:
        lacking("a Docker engine needs root")
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        lacking(
            f"a Docker engine needs {', '.join(missing)}: install docker.io, iptables, iproute2"
        )
    program = compose_program()
    environ = {**os.environ, "DOCKER_HOST": f"unix://{folder}/docker.sock"}
    command = [*_UNSHARE, "sh", "-c", _START, "sh", str(folder), str(served), sys.executable]
    log = folder / "engine.log"
    with Process("the engine", command, log_path=log, environ=os.environ) as process:
        started = Engine(environ, program)
        wait_until(lambda: _answers(started), START_DEADLINE_S, "the engine answers", process)
        yield started


def _answers(started: Engine) -> bool:
    try:
        started.docker("info")
    except AssertionError:
        return False
    return True
