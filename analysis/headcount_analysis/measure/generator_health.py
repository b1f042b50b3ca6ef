"""The generators' own health, and whether it spoils what they measured.

Whether a request's event arrived is accounted for however busy its generator was: none of this is
a failure of delivery. But a generator that has no time sends late and notes answers late, so that
its latencies and rates are partly its own. It counts as saturated where

- it dropped arrivals: what was asked for was not sent;
- its process used 90 % or more of a core in most of the samples that were taken under load. It is
  one thread, so little is left for a burst, and the time that a request waits for its turn grows
  without bound as that goes to 100 %;
- in a tenth or more of them a timer, or what an arrival of a rate began, was 100 ms late or later.
  For so long no answer was noted or no request sent, so that every percentile from p90 on may have
  that on top; a single pause is no reason.

Pure.
"""

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headcount.ledger.generator_health import Health, Sample
from headcount.ledger.shortfall import Shortfall, merged
from headcount.thresholds.percentiles import percentile

BUSY_PERCENT = 90.0
LATE_MS = 100.0
LATE_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class GeneratorHealth:
    """What is known of one generator's health; samples are those under load, in order.

    Without any, nothing is known.
    """

    generator: int
    samples: tuple[Sample, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether there are samples."""
        return bool(self.samples)

    @property
    def cpu_percent_median(self) -> float | None:
        """The median load, of one core."""
        cpu = [each.cpu_percent for each in self.samples]
        return statistics.median(cpu) if cpu else None

    @property
    def cpu_percent_max(self) -> float | None:
        """The greatest load of a sample, of one core."""
        return max((each.cpu_percent for each in self.samples), default=None)

    @property
    def schedule_lag_p99_ms(self) -> float | None:
        """The 99th percentile of the samples' greatest lags, by nearest rank."""
        lags = sorted(each.schedule_lag_ms for each in self.samples)
        return percentile(lags, 0.99) if lags else None

    @property
    def dropped(self) -> int | None:
        """How many arrivals could not be started in time."""
        return max((each.dropped for each in self.samples), default=None)

    @property
    def evidence(self) -> tuple[str, ...]:
        """Why it counts as saturated; empty if it does not."""
        return tuple(self._evidence())

    def _evidence(self) -> Iterator[str]:
        name, count = f"generator {self.generator}", len(self.samples)
        if self.dropped:
            yield f"{name} dropped {self.dropped:,} arrivals that it could not start in time"
        busy = sum(each.cpu_percent >= BUSY_PERCENT for each in self.samples)
        if 2 * busy > count:
            yield (
                f"{name} used {BUSY_PERCENT:g} % or more of a core in {busy} of {count} samples "
                f"under load (median {self.cpu_percent_median:.0f} %)"
            )
        late = sum(each.schedule_lag_ms >= LATE_MS for each in self.samples)
        if late and late >= LATE_SHARE * count:
            yield (
                f"{name} was {LATE_MS:g} ms or more late with what was due in {late} of {count} "
                f"samples under load (p99 {self.schedule_lag_p99_ms:.0f} ms)"
            )


@dataclass(frozen=True, slots=True)
class FleetHealth:
    """The health of all generators of a run, and what they did not make of it.

    `missing` is how many were asked for and never began, None where it is not known how many have.
    """

    known: tuple[GeneratorHealth, ...] = ()
    missing: int | None = None
    shortfall: Shortfall = field(default_factory=Shortfall)

    @property
    def evidence(self) -> tuple[str, ...]:
        """Why some count as saturated."""
        return tuple(text for each in self.known for text in each.evidence)

    @property
    def saturated(self) -> bool:
        """Whether latencies and rates are partly the generators' own."""
        return bool(self.evidence)

    @property
    def notes(self) -> tuple[str, ...]:
        """What limits the use of their figures, most important first."""
        return tuple(self._notes())

    def _notes(self) -> Iterator[str]:
        yield from self.shortfall.sentences
        if self.saturated:
            yield (
                f"generator: saturated: {'; '.join(self.evidence)}: latencies and rates are partly "
                "the generator's own; use more generators (--processes, or workers on other "
                "hosts), or ask for less"
            )
        if self.missing:
            yield (
                f"generator: {self.missing} of the workers that were asked for never began, so "
                "the load was not the one that was asked for"
            )
        unknown = [str(each.generator) for each in self.known if not each.is_known]
        if unknown:
            yield (
                f"generator: the health of {', '.join(unknown)} is not known, so latencies may be "
                "partly the generator's own"
            )


def generators(
    healths: Mapping[int, Health | None],
    begun: Sequence[int] | None,
    options: Mapping[str, Any],
    shortfalls: Iterable[Shortfall] = (),
) -> FleetHealth:
    """Assess the health of all generators.

    Args:
        healths: What was read of each generator that has a ledger; None where that is not known.
        begun: The generators that have begun; None where that is not known.
        options: The manifest's, of which `expect_workers` and `processes` say how many there
            should be.
        shortfalls: What each did not make.
    """
    numbers = sorted({*healths, *(begun or ())})
    known = tuple(
        GeneratorHealth(number, under_load(health.samples) if health else ())
        for number, health in ((each, healths.get(each)) for each in numbers)
    )
    missing = None if begun is None else max(0, _asked_for(options) - len(set(begun)))
    return FleetHealth(known, missing, merged(shortfalls))


def under_load(samples: Iterable[Sample]) -> tuple[Sample, ...]:
    """Return the samples of spans with requests."""
    ordered = sorted(samples, key=lambda sample: sample.at_ns)
    earlier = (0, 0)
    chosen = []
    for sample in ordered:
        now = (sample.attempted, sample.dropped)
        if sample.in_flight or now != earlier:
            chosen.append(sample)
        earlier = now
    return tuple(chosen)


def _asked_for(options: Mapping[str, Any]) -> int:
    """Return how many generators were requested; the manifest is untrusted input."""
    numbers = (options.get(name) for name in ("processes", "expect_workers"))
    return max((each for each in numbers if type(each) is int), default=0)
