"""HTTP phases: how long requests took to the first byte, and how long connections took to open.

Each generator writes `phases.json` beside its health, and rewrites it every few seconds and when it
seals. Durations are counted in buckets (see `logarithmic_buckets.py`), so the file stays small
however many requests there are. It is not evidence of delivery: if it is missing or damaged, the
report shows no phases. A generator that was killed lacks the durations since it last wrote the
file.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass as validated

from headcount.ledger.bucketed_durations import counts_by_bucket
from headcount.ledger.side_file import SideFile

FORMAT = 1
MOST_TYPES = 500
"""Further event types are not recorded."""

CHUNK = 10_000
"""This many durations are counted together, in about half a millisecond."""

_US_PER_S = 1e6
_Duration = Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)]
_Count = Annotated[int, Field(ge=1, lt=1 << 53)]
_Bucket = Annotated[int, Field(ge=0, le=2000)]


class Phase(StrEnum):
    """A part of the time that a request takes.

    `connect` and `tls` exist only for requests that opened a connection: `connect` is its TCP
    handshake, with the tunnel through a proxy if there is one, and without the DNS lookup; `tls` is
    its TLS handshake. `first_byte` is the time from the last byte of a request to the first byte of
    its response.
    """

    FIRST_BYTE = "first_byte"
    CONNECT = "connect"
    TLS = "tls"


@validated(frozen=True, slots=True)
class PhaseDurations:
    """One or more durations of a phase, by bucket; their sum, the least and the greatest."""

    counts: Annotated[dict[_Bucket, _Count], Field(min_length=1)]
    sum_us: _Duration
    min_us: _Duration
    max_us: _Duration

    @property
    def count(self) -> int:
        """The number of durations."""
        return sum(self.counts.values())

    def __add__(self, other: "PhaseDurations") -> "PhaseDurations":
        """Add two counts, bucket by bucket."""
        return PhaseDurations(
            Counter(self.counts) + Counter(other.counts),
            self.sum_us + other.sum_us,
            min(self.min_us, other.min_us),
            max(self.max_us, other.max_us),
        )


@validated(frozen=True, slots=True)
class HttpPhases:
    """The phases that were measured, by event type."""

    by_type: Annotated[dict[str, dict[Phase, PhaseDurations]], Field(max_length=MOST_TYPES)] = (
        field(default_factory=dict)
    )
    format: int = Field(default=FORMAT, ge=FORMAT, le=FORMAT)


FILE = SideFile("phases.json", TypeAdapter(HttpPhases), largest=1 << 24)


@dataclass(slots=True)
class PhaseSamples:
    """The durations of one phase by event type: the latest as they are, all others counted.

    Instead of calling `add`, which takes longer, a caller may append a duration to the event type's
    list in `latest`, if there is one and it has fewer than CHUNK durations.
    """

    latest: dict[str, list[float]] = field(default_factory=dict)
    _counted: dict[str, PhaseDurations] = field(default_factory=dict)

    def add(self, event_type: str, duration_s: float) -> None:
        """Add a duration."""
        latest = self.latest.get(event_type)
        if latest is None:
            if len(self.latest) >= MOST_TYPES:
                return
            latest = self.latest[event_type] = []
        latest.append(duration_s)
        if len(latest) >= CHUNK:
            self._count(event_type)

    def _count(self, event_type: str) -> None:
        latest, self.latest[event_type] = self.latest[event_type], []
        known = self._counted.get(event_type)
        durations = durations_of(latest)
        self._counted[event_type] = durations if known is None else known + durations

    @property
    def by_type(self) -> Mapping[str, PhaseDurations]:
        """All durations until now."""
        for event_type, latest in self.latest.items():
            if latest:
                self._count(event_type)
        return self._counted


@dataclass(frozen=True, slots=True)
class PhaseRecord:
    """Collects the phases of requests as they end."""

    first_byte: PhaseSamples = field(default_factory=PhaseSamples)
    connect: PhaseSamples = field(default_factory=PhaseSamples)
    tls: PhaseSamples = field(default_factory=PhaseSamples)

    @property
    def phases(self) -> HttpPhases:
        """The phases until now."""
        by_type: dict[str, dict[Phase, PhaseDurations]] = {}
        for phase in Phase:
            samples: PhaseSamples = getattr(self, phase.value)
            for event_type, durations in samples.by_type.items():
                by_type.setdefault(event_type, {})[phase] = durations
        return HttpPhases(dict(list(by_type.items())[:MOST_TYPES]))


def durations_of(durations_s: Iterable[float]) -> PhaseDurations:
    """Count one or more durations."""
    durations_us = pc.multiply(pa.array(durations_s, pa.float64()), _US_PER_S)
    bounds = pc.min_max(durations_us).as_py()
    return PhaseDurations(
        counts_by_bucket(durations_us),
        pc.sum(durations_us).as_py(),
        bounds["min"],
        bounds["max"],
    )


def read_http_phases(filesystem: pafs.FileSystem, location: str, generator: int) -> HttpPhases:
    """Read a generator's phases from a ledger; none if unknown, for any reason."""
    return FILE.read(filesystem, location, generator) or HttpPhases()
