"""Runs a distributed test in the namespaces, and judges it: `python -m tests.distributed.hosts`.

unshare --map-root-user --net --mount python -m tests.distributed.hosts FOLDER
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from headcount.cli.platform import platform
from headcount.console import Console
from headcount.kafka.topic import ensure_topic
from headcount.run.folder import RunFolder
from headcount.stack.broker import Broker
from headcount.stack.broker_config import BrokerConfig
from headcount.stack.process import Process, wait_until
from headcount.stack.service import Server, ServerConfig
from tests.headcount.plugin.locusts import counted

ADDRESS = "10.99.0.1"
CLOCK_OFFSETS_MS = (1500, -700)
MASTER_PORT = "5557"
DEADLINE_S = 240.0

# A host waits for its end of the virtual cable, assigns an address to it, and runs its worker.
_HOST = """
until ip link show eth0 >/dev/null 2>&1; do sleep 0.05; done
ip link set lo up && ip address add 10.99.{n}.2/24 dev eth0 && ip link set eth0 up &&
ip route add default via 10.99.{n}.1 && exec "$@"
"""


def main(folder: Path) -> int:
    """Start the parts, the master and a worker on each host, and judge the run."""
    environ = dict(os.environ)
    ready = platform(environ, Console(quiet=True))
    _ip("link", "set", "lo", "up")
    _ip("address", "add", f"{ADDRESS}/32", "dev", "lo")
    config = BrokerConfig(ready.java, ready.broker_jars, folder / "broker", environ)
    with Broker(config) as broker:
        ensure_topic(broker.cluster, "events", 4)
        log = folder / "service.log"
        service = ServerConfig(broker.bootstrap_servers, "events", log, environ, host=ADDRESS)
        service = replace(service, start_deadline_s=DEADLINE_S)
        with Server(service) as server:
            _load(folder, server, broker)
    run = RunFolder(folder / "reports" / "run-1")
    command = [sys.executable, "-m", "headcount", "verify", str(run.path), "--spark-heap", "1g"]
    with Broker(config) as broker:
        servers = ("--bootstrap-servers", broker.bootstrap_servers)
        return subprocess.run([*command, *servers], check=False).returncode


def _load(folder: Path, server: Server, broker: Broker) -> None:
    """Run the master and its workers until the test ends."""
    common = [sys.executable, "-m", "locust", "-f", counted()]
    master = [
        *(*common, "--master", "--headless", "-u", "20", "--host", server.url),
        *("--expect-workers", str(len(CLOCK_OFFSETS_MS)), "--run-id", "run-1"),
        *("--bootstrap-servers", broker.bootstrap_servers),
        *("--reports-dir", str(folder / "reports"), "--exit-code-on-error", "0"),
    ]
    worker = [*common, "--worker", "--master-host", ADDRESS, "--master-port", MASTER_PORT]
    environ = dict(os.environ)
    with Process("the master", master, log_path=folder / "master.log", environ=environ) as leader:
        for number, offset_ms in enumerate(CLOCK_OFFSETS_MS, 1):
            _start_host(folder, number, offset_ms, worker)
        code = leader.wait(DEADLINE_S)
    if code:
        raise SystemExit((folder / "master.log").read_text())


def _start_host(folder: Path, number: int, offset_ms: int, command: Sequence[str]) -> None:
    """Start a command on a new host; it ends with this process at the latest."""
    environ = {**os.environ, "HEADCOUNT_CLOCK_OFFSET_MS": str(offset_ms)}
    script = _HOST.format(n=number)
    host = Process(
        f"host {number}",
        ["unshare", "--net", "sh", "-c", script, "host", *command],
        log_path=folder / f"host-{number}.log",
        environ=environ,
    )
    own = _network("self")
    wait_until(lambda: _network(host.pid) != own, DEADLINE_S, "the host is up", host)
    cable = f"host{number}"
    _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", str(host.pid))
    _ip("address", "add", f"10.99.{number}.1/24", "dev", cable)
    _ip("link", "set", cable, "up")


def _network(pid: int | str) -> Path:
    return Path(f"/proc/{pid}/ns/net").readlink()


def _ip(*arguments: str) -> None:
    subprocess.run([shutil.which("ip") or "ip", *arguments], check=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
