"""A generator's health: how busy the process that makes the requests was, once a second.

An overloaded generator sends its requests and records their responses late, so it partly measures
its own delay. Each generator writes `health.json` into its folder of the ledger, and rewrites it
every few seconds and when it seals. The file is not evidence of delivery: if it is missing or
damaged, only the health is unknown.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import pyarrow.fs as pafs
from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass as validated

from headcount.ledger.side_file import SideFile

FORMAT = 1
MOST_SAMPLES = 600
"""Once there are this many samples, they are merged in pairs."""

_LATEST_NS = 4_102_444_800 * 10**9  # 2100


@validated(frozen=True, slots=True)
class Sample:
    """The state of a generator in a span that ended at `at_ns`, in Unix time.

    `cpu_percent` is the average over the span, in percent of one core. `schedule_lag_ms` is the
    longest delay in the span, of a timer or of a task started by an arrival: for that long the
    process was busy with something else. `host_cpu_percent` is the average over the span and all
    cores of the host, None if an older version recorded the sample. `waited_percent` is the share
    of the span in which the process was ready to run while others had the CPUs, None if unknown:
    only Linux counts it. The other fields are values at the end of the span; `dropped` counts
    arrivals that were due but could not start. `users` is 0 if it is unknown.
    """

    at_ns: int = Field(ge=0, lt=_LATEST_NS)
    cpu_percent: float = Field(ge=0, le=1e6, allow_inf_nan=False)
    schedule_lag_ms: float = Field(ge=0, le=1e9, allow_inf_nan=False)
    in_flight: int = Field(ge=0, lt=1 << 53)
    attempted: int = Field(ge=0, lt=1 << 53)
    dropped: int = Field(default=0, ge=0, lt=1 << 53)
    users: int = Field(default=0, ge=0, lt=1 << 53)
    host_cpu_percent: float | None = Field(default=None, ge=0, le=100, allow_inf_nan=False)
    waited_percent: float | None = Field(default=None, ge=0, le=1e6, allow_inf_nan=False)


@validated(frozen=True, slots=True)
class Health:
    """All samples of one generator, in order."""

    samples: tuple[Sample, ...] = Field(default=(), max_length=MOST_SAMPLES)
    format: int = Field(default=FORMAT, ge=FORMAT, le=FORMAT)


FILE = SideFile("health.json", TypeAdapter(Health))


@dataclass(slots=True)
class History:
    """Collects samples in bounded memory: a long run has wider samples instead of more."""

    samples: list[Sample] = field(default_factory=list)
    _width: int = 1
    _open: list[Sample] = field(default_factory=list)

    def add(self, sample: Sample) -> None:
        """Add a sample, whose span is as long as every other's."""
        self._open.append(sample)
        if len(self._open) < self._width:
            return
        self.samples.append(merged(self._open))
        self._open = []
        if len(self.samples) == MOST_SAMPLES:
            pairs = zip(self.samples[::2], self.samples[1::2], strict=True)
            self.samples = [merged(pair) for pair in pairs]
            self._width *= 2

    def extend(self, sample: Sample) -> None:
        """Extend the last span by this sample, whose own span is too short to measure CPU load."""
        spans = self._open or self.samples
        lag_ms = max(spans[-1].schedule_lag_ms, sample.schedule_lag_ms)
        before = spans[-1]
        spans[-1] = replace(
            sample,
            cpu_percent=before.cpu_percent,
            schedule_lag_ms=lag_ms,
            host_cpu_percent=before.host_cpu_percent,
            waited_percent=before.waited_percent,
        )

    @property
    def health(self) -> Health:
        """All samples until now."""
        rest = [merged(self._open)] if self._open else []
        return Health((*self.samples, *rest))


def merged(samples: Sequence[Sample]) -> Sample:
    """Merge one or more samples: the last, with the mean CPU loads and the greatest lag."""
    return replace(
        samples[-1],
        cpu_percent=sum(sample.cpu_percent for sample in samples) / len(samples),
        schedule_lag_ms=max(sample.schedule_lag_ms for sample in samples),
        host_cpu_percent=_mean(sample.host_cpu_percent for sample in samples),
        waited_percent=_mean(sample.waited_percent for sample in samples),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def read_health(filesystem: pafs.FileSystem, location: str, generator: int) -> Health | None:
    """Read a generator's health from a ledger; None if unknown, for any reason."""
    return FILE.read(filesystem, location, generator)
