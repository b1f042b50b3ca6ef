"""Generator health: whether a generator was too busy to measure properly.

Every event is accounted for however busy its generator was, so none of this is a delivery failure.
But a busy generator sends requests late and records responses late, so its latencies and rates
include its own delay. A generator counts as saturated if

- it dropped arrivals, and not only because users had ended by themselves: some of the requested
  load was not sent;
- its process used 90 % or more of a core in most samples under load. The process has one thread, so
  little is left for a burst, and queueing delay grows without bound towards 100 %;
- a timer, or the start of an arrival, was 100 ms or more late in at least a tenth of these samples.
  While it is that late, it records no response or sends no request, so every percentile from p90
  on may include this delay; a single pause does not count.

The cause is the first of these that holds:

- the scenario, if its process used most of a core;
- the host, if its CPUs were busy while the generator was late;
- with a rate, too few users for the time that responses took;
- without a rate, a call of the scenario that blocks all users of its process.

A busy host is not the cause of dropped arrivals if the generator had the CPU whenever it needed it:
no timer was late, and there was time left in which it neither ran nor waited for a CPU.

Pure.
"""

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from headcount.ledger.generator_health import Health, Sample
from headcount.ledger.shortfall import Shortfall, merged
from headcount.thresholds.nearest_rank import percentile

BUSY_PERCENT = 90.0
LATE_MS = 100.0
LATE_SHARE = 0.1

_NAMED = 3
"""How many generators a note names."""


class SaturationCause(Enum):
    """Why a generator was too busy, and what to do about it."""

    SCENARIO = (
        " because the scenario needs more than one core",
        "use more generators (--processes, or workers on other hosts), or reduce the load",
    )
    HOST = (
        " because its host was busy",
        "run it on a dedicated host, or reduce the load",
    )
    USERS = (
        " because no user was free in time",
        "let more requests wait for responses (--users, --max-in-flight), or reduce the rate",
    )
    BLOCKED = (
        " because the scenario blocks it",
        "replace calls that block all users of a process, such as those of a client without gevent",
    )
    UNKNOWN = (
        "",
        "use more generators (--processes, or workers on other hosts), or reduce the load",
    )

    @property
    def because(self) -> str:
        """The cause as a part of a sentence; empty if it is unknown."""
        return self.value[0]

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return self.value[1]


@dataclass(frozen=True, slots=True)
class GeneratorHealth:
    """One generator's health: its samples under load, in order.

    Without samples, its health is unknown. `userless` is how many arrivals were dropped because
    users had ended by themselves, which says nothing about the generator. `has_rate` is whether the
    run had a rate, which determines when requests are due.
    """

    generator: int
    samples: tuple[Sample, ...] = ()
    userless: int = 0
    has_rate: bool = False

    @property
    def is_known(self) -> bool:
        """Whether there are samples."""
        return bool(self.samples)

    @property
    def cpu_percent_median(self) -> float | None:
        """The median CPU load, in percent of one core."""
        cpu = [sample.cpu_percent for sample in self.samples]
        return statistics.median(cpu) if cpu else None

    @property
    def cpu_percent_max(self) -> float | None:
        """The maximum CPU load of a sample, in percent of one core."""
        return max((sample.cpu_percent for sample in self.samples), default=None)

    @property
    def schedule_lag_p99_ms(self) -> float | None:
        """The 99th percentile of the samples' maximum lags, by nearest rank."""
        lags = sorted(sample.schedule_lag_ms for sample in self.samples)
        return percentile(lags, 0.99) if lags else None

    @property
    def dropped(self) -> int | None:
        """How many arrivals could not start in time."""
        return max((sample.dropped for sample in self.samples), default=None)

    @property
    def cause(self) -> SaturationCause:
        """Why the generator was too busy, if it was."""
        if self._is_busy:
            return SaturationCause.SCENARIO
        overloaded = self._overloaded
        of_host = [
            sample.host_cpu_percent for sample in overloaded if sample.host_cpu_percent is not None
        ]
        if not of_host:
            return SaturationCause.UNKNOWN
        is_unhindered = self.has_rate and 2 * sum(map(had_cpu, overloaded)) > len(overloaded)
        if statistics.median(of_host) >= BUSY_PERCENT and not is_unhindered:
            return SaturationCause.HOST
        return SaturationCause.USERS if self.has_rate else SaturationCause.BLOCKED

    @property
    def _overloaded(self) -> tuple[Sample, ...]:
        """The samples in which the generator was late or dropped arrivals; all if there is none."""
        dropped_before = (0, *(sample.dropped for sample in self.samples))
        overloaded = tuple(
            sample
            for sample, before in zip(self.samples, dropped_before, strict=False)
            if sample.schedule_lag_ms >= LATE_MS or sample.dropped > before
        )
        return overloaded or self.samples

    @property
    def _busy(self) -> int:
        return sum(sample.cpu_percent >= BUSY_PERCENT for sample in self.samples)

    @property
    def _is_busy(self) -> bool:
        return 2 * self._busy > len(self.samples)

    @property
    def evidence(self) -> tuple[str, ...]:
        """Why the generator counts as saturated; empty if it does not."""
        return tuple(self._evidence())

    def _evidence(self) -> Iterator[str]:
        name, count = f"generator {self.generator}", len(self.samples)
        late_arrivals = (self.dropped or 0) - self.userless
        if late_arrivals > 0:
            yield f"{name} dropped {late_arrivals:,} arrivals that it could not start in time"
        if self._is_busy:
            yield (
                f"{name} used {BUSY_PERCENT:g} % or more of a core in {self._busy} of {count} "
                f"samples under load (median {self.cpu_percent_median:.0f} %)"
            )
        late = sum(sample.schedule_lag_ms >= LATE_MS for sample in self.samples)
        if late and late >= LATE_SHARE * count:
            yield (
                f"{name} was {LATE_MS:g} ms or more behind schedule in {late} of {count} samples "
                f"under load (p99 {self.schedule_lag_p99_ms:.0f} ms)"
            )


@dataclass(frozen=True, slots=True)
class FleetHealth:
    """The health of all generators of a run, and the shortfall: the work that they did not do.

    `missing` is how many requested generators never started, None if that is unknown.
    """

    known: tuple[GeneratorHealth, ...] = ()
    missing: int | None = None
    shortfall: Shortfall = field(default_factory=Shortfall)

    @property
    def evidence(self) -> tuple[str, ...]:
        """Why some generators count as saturated."""
        return tuple(text for health in self.known for text in health.evidence)

    @property
    def saturated(self) -> bool:
        """Whether latencies and rates include delays of the generators."""
        return bool(self.evidence)

    @property
    def notes(self) -> tuple[str, ...]:
        """Caveats about the measurements, most important first."""
        return tuple(self._notes())

    def _notes(self) -> Iterator[str]:
        yield from self.shortfall.sentences
        yield from self._overloads()
        if self.missing:
            yield (
                f"{self.missing} of the requested workers never started, so the load differed from "
                "what was requested"
            )
        yield from self._without_health()

    def _overloads(self) -> Iterator[str]:
        """Yield a note for each cause of an overload."""
        for cause in SaturationCause:
            texts = ["; ".join(health.evidence) for health in self.known if health.cause is cause]
            named = list(filter(None, texts))
            if named:
                more = len(named) - _NAMED
                others = f"; and {more} more" if more > 0 else ""
                yield (
                    f"the load generator was overloaded{cause.because}: "
                    f"{'; '.join(named[:_NAMED])}{others}; latencies and rates include its delay; "
                    f"{cause.remedy}"
                )

    def _without_health(self) -> Iterator[str]:
        unknown = [str(health.generator) for health in self.known if not health.is_known]
        if unknown:
            one, its = ("generator", "its") if len(unknown) == 1 else ("generators", "their")
            yield (
                f"{one} {', '.join(unknown)} stopped reporting; latencies may include {its} delay"
            )


def generators(
    healths: Mapping[int, Health | None],
    begun: Sequence[int] | None,
    options: Mapping[str, Any],
    shortfalls: Mapping[int, Shortfall] | None = None,
) -> FleetHealth:
    """Assess the health of all generators.

    Args:
        healths: The health of each generator that has a ledger; None if unknown.
        begun: The generators that started; None if unknown.
        options: The manifest's options; `expect_workers` and `processes` give the requested number
            of generators, and `rate` the rate, if there is one.
        shortfalls: The shortfall of each generator.
    """
    numbers, shortfalls = sorted({*healths, *(begun or ())}), shortfalls or {}
    known = tuple(
        GeneratorHealth(
            number,
            under_load(health.samples) if (health := healths.get(number)) else (),
            shortfalls[number].userless if number in shortfalls else 0,
            bool(options.get("rate")),
        )
        for number in numbers
    )
    missing = None if begun is None else max(0, _requested_generators(options) - len(set(begun)))
    return FleetHealth(known, missing, merged(shortfalls.values()))


def had_cpu(sample: Sample) -> bool:
    """Return whether a generator had the CPU whenever it needed it; False if that is unknown."""
    if sample.schedule_lag_ms >= LATE_MS or sample.waited_percent is None:
        return False
    return sample.cpu_percent + sample.waited_percent < BUSY_PERCENT


def under_load(samples: Iterable[Sample]) -> tuple[Sample, ...]:
    """Return the samples taken while requests were made, in order of time."""
    ordered = sorted(samples, key=lambda sample: sample.at_ns)
    earlier = (0, 0)
    chosen = []
    for sample in ordered:
        now = (sample.attempted, sample.dropped)
        if sample.in_flight or now != earlier:
            chosen.append(sample)
        earlier = now
    return tuple(chosen)


def _requested_generators(options: Mapping[str, Any]) -> int:
    """Return how many generators were requested. The manifest is untrusted input."""
    numbers = (options.get(name) for name in ("processes", "expect_workers"))
    return max((number for number in numbers if type(number) is int), default=0)
