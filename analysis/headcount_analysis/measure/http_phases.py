"""HTTP phases: the durations that generators measured, in buckets like all other durations."""

from collections.abc import Collection, Iterable, Iterator

from headcount.ledger.event_types import UNKNOWN
from headcount.ledger.http_phases import HttpPhases, Phase, PhaseDurations
from headcount.ledger.logarithmic_buckets import least_us
from headcount_analysis.measure.histogram import Bucket, Measure

_NS_PER_US = 1000


def phase_buckets(phases: Iterable[HttpPhases], event_types: Collection[str]) -> tuple[Bucket, ...]:
    """Add up the phases of all generators.

    Args:
        phases: The phases of each generator.
        event_types: The known event types; all others count as `(unknown)`.
    """
    totals: dict[tuple[str, Phase], PhaseDurations] = {}
    for of_generator in phases:
        for event_type, by_phase in of_generator.by_type.items():
            name = event_type if event_type in event_types else UNKNOWN
            for phase, durations in by_phase.items():
                known = totals.get((name, phase))
                totals[name, phase] = durations if known is None else known + durations
    return tuple(
        bucket
        for (name, phase), durations in totals.items()
        for bucket in _buckets(name, Measure(phase.value), durations)
    )


def _buckets(event_type: str, measure: Measure, durations: PhaseDurations) -> Iterator[Bucket]:
    """Yield the buckets; the exact bounds and the exact mean of all durations are kept."""
    mean_ns = durations.sum_us * _NS_PER_US / durations.count
    shortest_ns, longest_ns = _ns(durations.min_us), _ns(durations.max_us)
    for number, count in sorted(durations.counts.items()):
        # Neighbouring buckets must not share a bound: buckets that overlap would be merged.
        least_ns, most_ns = _ns(least_us(number)), _ns(least_us(number + 1)) - 1
        least_ns = max(least_ns, shortest_ns) if number else shortest_ns
        most_ns = max(least_ns, min(most_ns, longest_ns))
        yield Bucket(event_type, measure, count, least_ns, most_ns, count * mean_ns)


def _ns(duration_us: float) -> int:
    return round(duration_us * _NS_PER_US)
