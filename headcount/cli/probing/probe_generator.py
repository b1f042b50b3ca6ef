"""The generator of a probe: Locust with the plugin, its requests, and how it ended."""

import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pyarrow.parquet as pq
from headcount_analysis.probe.probe_request import ProbeRequest

from headcount.cli.locustfile import GENERATOR, last_error
from headcount.errors import PartError, UsageError
from headcount.ledger.location import open_location
from headcount.ledger.shortfall import read_shortfall
from headcount.run.folder import RunFolder
from headcount.run.id_settings import IdSettings
from headcount.run.manifest import JUDGED_BY_PARENT
from headcount.run.outcome_rules import Rule, joined
from headcount.run.request_outcome import Outcome
from headcount.stack.process import POLL_S, Process

RUN_ID = "probe"
SCENARIO_LIMIT_S = 8
"""The longest run time of the scenario, which ends earlier once it has made all requests."""
STOP_TIMEOUT_S = 4
"""How long the requests in flight may take after that."""
_COLUMNS = ["seq", "event_type", "outcome", "http_status", "error", "sent_at_ns", "shape", "asked"]


@dataclass(frozen=True, slots=True)
class ProbeScenario:
    """The scenario of a probe, and how it is run; `extra` are Locust's own options."""

    locustfile: str
    host: str
    bootstrap_servers: str
    ids: IdSettings
    requests: int
    outcome_rules: tuple[Rule, ...]
    extra: tuple[str, ...]


def start_generator(scenario: ProbeScenario, folder: Path, environ: Mapping[str, str]) -> Process:
    """Start Locust, which writes the ledger of a run into a folder."""
    options = {
        "--locustfile": scenario.locustfile,
        "--bootstrap-servers": scenario.bootstrap_servers,
        "--reports-dir": folder,
        "--run-id": RUN_ID,
        "--probe-requests": scenario.requests,
        "--id-form": scenario.ids.form,
        "--id-header": scenario.ids.header,
        # With the key as the place of the id, all fields of an event take part in the comparison.
        "--id-at": "key",
        "--outcome": joined(scenario.outcome_rules),
        "--run-time": f"{SCENARIO_LIMIT_S}s",
        "--stop-timeout": STOP_TIMEOUT_S,
        "--exit-code-on-error": 0,
    }
    chosen = [f"{name}={value}" for name, value in options.items() if value != ""]
    host = {"LOCUST_HOST": scenario.host} if scenario.host else {}
    return Process(
        "Locust",
        [sys.executable, "-m", GENERATOR, "--headless", "--only-summary", *chosen, *scenario.extra],
        log_path=folder / "locust.log",
        # Only Locust's own session takes further headers with ids.
        environ={**environ, **host, JUDGED_BY_PARENT: "1", "HEADCOUNT_HTTP": "general"},
    )


def await_tag(locust: Process, run: RunFolder, deadline_s: float) -> str:
    """Wait for the manifest, and return the tag of the ids.

    UsageError or PartError if Locust ends first; PartError if the manifest takes too long.
    """
    end_s = time.monotonic() + deadline_s
    while not run.manifest_path.is_file():
        if locust.returncode is not None:
            raise_exit(locust)
        if time.monotonic() >= end_s:
            raise PartError(f"Locust did not start within {deadline_s:g} s: {locust.log_summary}")
        time.sleep(POLL_S)
    return run.read_manifest().tag


def raise_exit(locust: Process) -> NoReturn:
    """Raise the error with which Locust ended."""
    code = locust.returncode
    reason = last_error(locust.log_path)
    if code == UsageError.exit_code:
        raise UsageError(reason or locust.log_summary)
    raise PartError(reason or f"Locust ended with exit code {code}: {locust.log_summary}")


def read_requests(run: RunFolder) -> tuple[ProbeRequest, ...]:
    """Read the requests from the generator's ledger."""
    ledger = run.path / run.read_manifest().ledger
    rows = [
        row
        for segment in sorted(ledger.glob("*/segment-*.parquet"))
        for row in pq.read_table(segment, columns=_COLUMNS).to_pylist()
    ]
    return tuple(sorted(map(_request, rows), key=lambda request: request.seq))


def read_answers(run: RunFolder) -> Mapping[str, str]:
    """Return the first failure of each kind: a response's body by status, or an error by type."""
    ended = run.read_locust_exit()
    return {} if ended is None else ended.answers


def read_problems(run: RunFolder) -> Iterator[str]:
    """Yield sentences on requests that the scenario did not make, and listeners' errors."""
    filesystem, location = open_location(str(run.path / run.read_manifest().ledger))
    yield from read_shortfall(filesystem, location, 0).sentences
    ended = run.read_locust_exit()
    yield from () if ended is None else ended.problems


def _request(row: Mapping[str, object]) -> ProbeRequest:
    values = [row[name] for name in _COLUMNS]
    seq, event_type, outcome, status, error, sent_at_ns, shape, asked = values
    return ProbeRequest(seq, event_type, Outcome(outcome), status, error, sent_at_ns, shape, asked)  # type: ignore[arg-type]
