"""A generator's health: how busy the process was that made the requests, once a second.

A generator that has no time is late with its requests and with noting their answers, so what it
measures is partly its own. Each one writes `health.json` into its folder of the ledger, anew every
few seconds and when it seals. The file is no evidence of delivery: where it is missing or damaged,
the health is not known, and that is all.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

import pyarrow as pa
import pyarrow.fs as pafs
from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as validated

FILE = "health.json"
FORMAT = 1
MOST_SAMPLES = 600
"""Before there are more, every two are made one."""

_LARGEST_FILE = 1 << 20
_LATEST_NS = 4_102_444_800 * 10**9  # 2100


@validated(frozen=True, slots=True)
class Sample:
    """What was seen of a generator in a span that ended at `at_ns`, in Unix time.

    `cpu_percent` is of one core, on average over the span. `schedule_lag_ms` is the longest that a
    timer was late in it, or what an arrival of a rate began: for so long something else was done.
    The others are as they were at its end; `dropped` are arrivals that were due and could not be
    started.
    """

    at_ns: int = Field(ge=0, lt=_LATEST_NS)
    cpu_percent: float = Field(ge=0, le=1e6, allow_inf_nan=False)
    schedule_lag_ms: float = Field(ge=0, le=1e9, allow_inf_nan=False)
    in_flight: int = Field(ge=0, lt=1 << 53)
    attempted: int = Field(ge=0, lt=1 << 53)
    dropped: int = Field(default=0, ge=0, lt=1 << 53)


@validated(frozen=True, slots=True)
class Health:
    """All that one generator saw of itself, in order."""

    samples: tuple[Sample, ...] = Field(default=(), max_length=MOST_SAMPLES)
    format: int = Field(default=FORMAT, ge=FORMAT, le=FORMAT)


_HEALTH = TypeAdapter(Health)


@dataclass(slots=True)
class History:
    """Samples as they come, in bounded memory: those of a long run are wider instead of more."""

    samples: list[Sample] = field(default_factory=list)
    _width: int = 1
    _open: list[Sample] = field(default_factory=list)

    def add(self, sample: Sample) -> None:
        """Take one more sample, of a span as long as every other's."""
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
        """Let the last span end with this sample, whose own is too short for a load of its own."""
        spans = self._open or self.samples
        lag_ms = max(spans[-1].schedule_lag_ms, sample.schedule_lag_ms)
        spans[-1] = replace(sample, cpu_percent=spans[-1].cpu_percent, schedule_lag_ms=lag_ms)

    @property
    def health(self) -> Health:
        """All that was taken until now."""
        rest = [merged(self._open)] if self._open else []
        return Health((*self.samples, *rest))


def merged(samples: Sequence[Sample]) -> Sample:
    """Make one sample of at least one: the last, with the mean load and the greatest lag."""
    last = samples[-1]
    return Sample(
        last.at_ns,
        sum(each.cpu_percent for each in samples) / len(samples),
        max(each.schedule_lag_ms for each in samples),
        last.in_flight,
        last.attempted,
        last.dropped,
    )


def dump(health: Health) -> bytes:
    """Write the file's content."""
    return json.dumps(asdict(health)).encode()


def read_health(filesystem: pafs.FileSystem, location: str, generator: int) -> Health | None:
    """Read what a generator left in a ledger; None where that is not known, for any reason."""
    path = f"{location}/{generator}/{FILE}"
    try:
        with filesystem.open_input_stream(path) as stream:
            content = bytes(stream.read(_LARGEST_FILE))
        return _HEALTH.validate_json(content)
    except (OSError, pa.ArrowException, ValidationError):
        return None
