"""Generates a long run for the report: `bench.runs.generate`, spread over time, with incidents.

    python -m bench.runs.long_run RUN_FOLDER BOOTSTRAP_SERVERS TOPIC MINUTES RATE FAULTS

Requests are due at an even rate. Their durations are log-normally distributed, like those of a real
service, with a slow period in the middle, in which some requests are refused and some not answered.
FAULTS other events are lost, published twice or altered, in turn.
"""

import math
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from bench.runs.generate import (
    GENERATORS,
    POLL_EVERY,
    POOL,
    GeneratedEvent,
    RunBuilder,
    a_manifest,
    a_row,
    event_templates,
    finish,
    producer,
)
from headcount.ledger.generator_health import FILE, Health, Sample
from headcount.ledger.schema import Row
from headcount.run.folder import RunFolder
from headcount.run.ids import EventId
from headcount.run.manifest import Generators
from headcount.run.request_outcome import Outcome

TYPICAL_MS, SPREAD = 4.0, 0.5
SLOW_FROM, SLOW_TO, SLOWER = 0.5, 0.52, 40.0
"""The start and the end of the slow period, as shares of the run, and its slowdown factor."""

REFUSED, UNANSWERED = 0.05, 0.03
"""Shares of the requests in the slow period."""

PARTITIONS = 4
_NS_PER_S, _NS_PER_MS = 1_000_000_000, 1_000_000
_HEALTH_SAMPLES = 450
_STATUS_UNAVAILABLE = 503


@dataclass(slots=True)
class LongRun(RunBuilder):
    """A run that began at `first_ns`, with `rate` requests per second.

    `harmed` maps the index of an attempt to its fault, an index into FAULTS.
    """

    first_ns: int = 0
    rate: float = 1.0
    harmed: Mapping[int, int] = field(default_factory=dict)
    random: Random = field(default_factory=lambda: Random(11))  # noqa: S311 - traffic

    def block(self, generator: int, first: int, last: int) -> Iterator[Row]:
        """Publish a block of one generator's sequence numbers, and yield its ledger rows."""
        for seq in range(first, last):
            index = seq * GENERATORS + generator
            yield self._attempt(generator, seq, index, self.event_templates[index % POOL])
            if seq % POLL_EVERY == 0:
                self.producer.poll(0)

    def _attempt(self, generator: int, seq: int, index: int, template: GeneratedEvent) -> Row:
        random = self.random
        intended_ns = self.first_ns + round(index / self.rate * _NS_PER_S)
        is_slow = SLOW_FROM <= index / self.events < SLOW_TO
        took_ms = random.lognormvariate(math.log(TYPICAL_MS), SPREAD) * (SLOWER if is_slow else 1)
        sent_ns = intended_ns + round(random.expovariate(5.0) * _NS_PER_MS)
        answered_ns = sent_ns + round(took_ms * _NS_PER_MS)
        row = replace_times(a_row(seq, template, intended_ns), sent_ns, answered_ns)
        if is_slow and random.random() < REFUSED:
            outcome = Outcome.FAILED.value
            return row._replace(outcome=outcome, http_status=_STATUS_UNAVAILABLE)
        fault = self.harmed.get(index)
        at_ms = (sent_ns + round(took_ms * 0.7 * _NS_PER_MS)) // _NS_PER_MS
        value = template.value(str(EventId(self.tag, generator, seq)).encode(), index)
        for text in (value,) if fault is None else FAULTS[fault](value):
            self.publish(text, template.key, at_ms)
        if is_slow and random.random() < UNANSWERED:
            outcome = Outcome.INDETERMINATE.value
            error = "TimeoutError: no answer within 10 s"
            return row._replace(outcome=outcome, http_status=None, answered_at_ns=None, error=error)
        return row


FAULTS = (
    lambda _value: (),
    lambda value: (value, value),
    lambda value: (value.replace(b'"event_type":"', b'"event_type":"un'),),
)
"""The messages to publish instead of an event: none, the event twice, or an altered event."""


def replace_times(row: Row, sent_ns: int, answered_ns: int) -> Row:
    """Replace the times of an attempt."""
    return row._replace(sent_at_ns=sent_ns, answered_at_ns=answered_ns)


def generate(
    folder: RunFolder, servers: str, name: str, *, minutes: float, rate: float, faults: int
) -> None:
    """Generate a complete run that has just ended."""
    folder.create()
    # Producers set the timestamps; the broker must not replace them.
    settings = {"message.timestamp.type": "CreateTime", "retention.ms": "-1"}
    admin = AdminClient({"bootstrap.servers": servers})
    admin.create_topics([NewTopic(name, PARTITIONS, 1, config=settings)])[name].result()
    events = round(minutes * 60 * rate)
    manifest = replace(
        a_manifest(folder, servers, name),
        scenario="bench/runs/long_run.py",
        promise="acks=all, idempotent",
        options={"run_time": round(minutes * 60), "processes": GENERATORS, "seed": 11},
    )
    folder.write_manifest(manifest)
    folder.write_generators(Generators(tuple(range(GENERATORS))))
    builder = LongRun(
        producer(servers),
        name,
        manifest.tag,
        events,
        frozenset(),
        event_templates(),
        first_ns=time.time_ns() - round(minutes * 60 * _NS_PER_S),
        rate=rate,
        harmed={
            number * events // faults + number // len(FAULTS) % GENERATORS: number % len(FAULTS)
            for number in range(faults)
        },
    )
    finish(builder, folder, manifest)
    for generator in range(GENERATORS):
        path = folder.path / manifest.ledger / str(generator) / FILE.name
        path.write_bytes(FILE.dump(_health(builder)))


def _health(builder: LongRun) -> Health:
    """Make the health samples of a generator."""
    share = builder.events // GENERATORS // _HEALTH_SAMPLES
    step_ns = round(builder.events / builder.rate * _NS_PER_S / _HEALTH_SAMPLES)
    random = builder.random
    return Health(
        tuple(
            Sample(
                at_ns=builder.first_ns + number * step_ns,
                cpu_percent=random.uniform(20, 30),
                schedule_lag_ms=random.expovariate(0.5),
                in_flight=1,
                attempted=number * share,
            )
            for number in range(1, _HEALTH_SAMPLES + 1)
        )
    )


if __name__ == "__main__":
    path, bootstrap_servers, topic_name, length, per_second, harmed = sys.argv[1:]
    generate(
        RunFolder(Path(path)),
        bootstrap_servers,
        topic_name,
        minutes=float(length),
        rate=float(per_second),
        faults=int(harmed),
    )
