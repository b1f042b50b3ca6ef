"""A Prometheus server for tests, from Debian's package or from PATH."""

import contextlib
import json
import os
import shutil
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from headcount.stack.ports import LOOPBACK, free_port
from headcount.stack.process import Process, wait_until
from tests.needs import lacking

DEADLINE_S = 60.0
_CONFIG = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: headcount
    static_configs: [{{targets: ["{target}"]}}]
"""


@dataclass(frozen=True, slots=True)
class SeriesValue:
    """A series in the result of a query, with its value now."""

    labels: dict[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running server."""

    address: str

    def query(self, expression: str) -> list[SeriesValue]:
        """Return the result of an instant query; an invalid one raises HTTPError."""
        query = urllib.parse.urlencode({"query": expression})
        url = f"http://{self.address}/api/v1/query?{query}"
        with urllib.request.urlopen(url, timeout=DEADLINE_S) as response:
            result = json.loads(response.read())["data"]["result"]
        return [SeriesValue(series["metric"], float(series["value"][1])) for series in result]

    def sums(self, metric: str, label: str) -> dict[str, int]:
        """Return the sums of a metric by a label, of the last point within ten minutes."""
        samples = self.query(f"sum by ({label}) (last_over_time({metric}[10m]))")
        return {sample.labels[label]: int(sample.value) for sample in samples}


@contextlib.contextmanager
def prometheus(folder: Path, target: str) -> Iterator[Prometheus]:
    """Run a server that scrapes a target each second; skip the test if there is none."""
    program = shutil.which("prometheus")
    if program is None:
        lacking("Prometheus is not installed: install Debian's package prometheus")
    folder.mkdir()
    config = folder / "prometheus.yml"
    config.write_text(_CONFIG.format(target=target))
    address = f"{LOOPBACK}:{free_port()}"
    options = (f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}")
    command = [program, *options, f"--web.listen-address={address}", "--log.level=warn"]
    log = folder / "prometheus.log"
    with Process("Prometheus", command, log_path=log, environ=os.environ) as process:
        server = Prometheus(address)
        wait_until(lambda: _is_ready(server), DEADLINE_S, "Prometheus is ready", process)
        yield server


def _is_ready(server: Prometheus) -> bool:
    with contextlib.suppress(OSError):
        server.query("up")
        return True
    return False
