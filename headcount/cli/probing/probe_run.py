"""The course of a probe: watch the topics, send requests, wait for messages, find what fits."""

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from headcount_analysis.formats.catalogue import format_of, known_formats
from headcount_analysis.formats.message_format import MessageFormat
from headcount_analysis.probe.findings import ProbeFindings, find
from headcount_analysis.probe.fit import FormatMaker

from headcount.cli.probing.probe_generator import (
    RUN_ID,
    SCENARIO_LIMIT_S,
    STOP_TIMEOUT_S,
    ProbeScenario,
    await_tag,
    raise_exit,
    read_answers,
    read_problems,
    read_requests,
    start_generator,
)
from headcount.cli.probing.topic_watch import TopicWatch, watching
from headcount.cli.seals import has_seal
from headcount.console import Console
from headcount.errors import EvidenceError, PartError
from headcount.kafka import cluster_metadata
from headcount.kafka.cluster import Cluster
from headcount.kafka_settings.registry_settings import RegistrySettings
from headcount.run.address import without_secrets
from headcount.run.folder import RunFolder
from headcount.run.message_format import FormatSettings
from headcount.run.probe_ids import HeaderIds, probe_ids

START_TIMEOUT_S = 60.0
EXIT_TIMEOUT_S = 10.0
EXTRA_WATCH_S = 0.5
"""How long the topics are watched for further messages once every id has been seen."""
_STEP_S = 0.1
_ENDING_IN_ERROR = frozenset({2, 5})
"""Exit codes of a generator that refused the scenario, or could not record the requests."""


@dataclass(frozen=True, slots=True)
class ProbePlan:
    """What a probe does.

    `topics` is empty for all topics; `wanted_format` is empty if the probe must find the format.
    """

    scenario: ProbeScenario
    cluster: Cluster
    topics: tuple[str, ...]
    settle_s: float
    registry: RegistrySettings
    wanted_format: str


def run_probe(plan: ProbePlan, environ: Mapping[str, str], console: Console) -> ProbeFindings:
    """Probe a service.

    Raises:
        UsageError: Locust refused the scenario or an option, or a topic is missing.
        PartError: The brokers, the service or the schema registry cannot be reached.
    """
    with console.step("Connecting to Kafka"):
        cluster_metadata.cluster_id(plan.cluster)  # its errors are clearer than those of the watch
    with tempfile.TemporaryDirectory(prefix="headcount-probe-") as folder:
        run = RunFolder(Path(folder) / RUN_ID)
        with watching(plan.cluster, plan.topics) as watch:
            header_ids = _send(plan.scenario, run, environ, watch, console)
            requests = read_requests(run)
            acked = {request.seq for request in requests if request.is_acked}
            with console.step("Waiting for messages"):
                _await_messages(watch, header_ids, acked, plan.settle_s)
            samples = watch.samples()
        denied = (f"topic {name}: {problem}" for name, problem in watch.problems.items())
        problems, answers = (*read_problems(run), *denied), read_answers(run)
    by_seq, formats = {request.seq: request for request in requests}, _formats(plan)
    try:
        topics = tuple(find(sample, by_seq, header_ids, formats) for sample in samples)
    except EvidenceError as error:
        raise PartError(str(error)) from None
    return ProbeFindings(requests, topics, answers, problems)


def _send(
    scenario: ProbeScenario,
    run: RunFolder,
    environ: Mapping[str, str],
    watch: TopicWatch,
    console: Console,
) -> tuple[HeaderIds, ...]:
    """Let Locust make the requests while the topics are watched; return the headers with ids."""
    with start_generator(scenario, run.path.parent, environ) as locust:
        with console.step("Starting Locust"):
            tag = await_tag(locust, run, START_TIMEOUT_S)
        header_ids = probe_ids(tag, scenario.ids.form, scenario.ids.header)
        deadline_s = time.monotonic() + SCENARIO_LIMIT_S + STOP_TIMEOUT_S + EXIT_TIMEOUT_S
        with console.step(f"Sending requests to {without_secrets(scenario.host) or 'the service'}"):
            while locust.returncode is None and time.monotonic() < deadline_s:
                watch.advance(header_ids, _STEP_S)
        if locust.returncode in _ENDING_IN_ERROR or not has_seal(run):
            raise_exit(locust)
    return header_ids


def _await_messages(
    watch: TopicWatch, header_ids: tuple[HeaderIds, ...], acked: set[int], settle_s: float
) -> None:
    """Wait for the messages of the acknowledged requests, and a little for further ones."""
    deadline_s = time.monotonic() + settle_s
    while not acked <= watch.seqs and time.monotonic() < deadline_s:
        watch.advance(header_ids, _STEP_S)
    watch.advance(header_ids, EXTRA_WATCH_S)


def _formats(plan: ProbePlan) -> FormatMaker:
    def make(settings: FormatSettings) -> MessageFormat:
        return format_of(settings, plan.registry)

    return FormatMaker(make, frozenset(known_formats()), plan.registry.url, plan.wanted_format)
