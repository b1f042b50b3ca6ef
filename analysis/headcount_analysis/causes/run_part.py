"""A part of a run: the shortest time in which a given number of exceptions were sent."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow.compute as pc
import pyarrow.dataset as ds

from headcount.run.utc import between, from_unix_ns
from headcount_analysis.arrow_types import Integers
from headcount_analysis.causes import chance
from headcount_analysis.causes.exceptions_of_class import ExceptionsOfClass
from headcount_analysis.causes.percent import percent
from headcount_analysis.causes.populations import Population, RunValues

_TRIED = 60
"""How many sizes of the part are tried, from half of the exceptions to all of them."""


@dataclass(frozen=True, slots=True)
class RunPart:
    """The time from `first_ns` to `last_ns`, both included, in Unix time.

    `count` exceptions were sent in it, and `size` of the `total` attempts of the population;
    `placed` of these have an acknowledged offset.
    """

    first_ns: int
    last_ns: int
    count: int
    size: int
    placed: int
    total: int
    population: Population

    @property
    def share(self) -> float:
        """The part of the population that was sent in it."""
        return self.size / self.total

    @property
    def filters(self) -> dict[str, str]:
        """Its bounds as ISO 8601, in whole milliseconds."""
        last = from_unix_ns(self.last_ns) + timedelta(milliseconds=1)
        return {"from": _iso(from_unix_ns(self.first_ns)), "to": _iso(last)}

    def __str__(self) -> str:
        """Format it, such as `sent 11:50:44 to 11:50:51 UTC, as were 34 % of all requests`."""
        times = between(self.first_ns, self.last_ns)
        share, requests = percent(self.share), self.population.value
        if self.count == self.size:
            return f"all {requests} from {times}, {share} of those in the run"
        return f"sent {times}, as were {share} of all {requests}"


def closest_part(
    dataset: ds.Dataset, group: ExceptionsOfClass, run: RunValues, population: Population
) -> RunPart | None:
    """Return the part of the run that is least likely to hold so many exceptions by chance.

    At least half of them are in it. None if no part is unlikely, or if no time is known.
    Raises OSError.
    """
    bounds_ns = _least_likely(group.sent_at_ns, run.span_ns)
    if bounds_ns is None:
        return None
    first_ns, last_ns = bounds_ns
    is_within = (pc.field("sent_at_ns") >= first_ns) & (pc.field("sent_at_ns") <= last_ns)
    of_part = population.condition & is_within
    return RunPart(
        first_ns,
        last_ns,
        dataset.count_rows(filter=group.condition & is_within),
        dataset.count_rows(filter=of_part),
        dataset.count_rows(filter=of_part & pc.field("acked_offset").is_valid()),
        dataset.count_rows(filter=population.condition),
        population,
    )


def _least_likely(times_ns: Integers, span_ns: int) -> tuple[int, int] | None:
    """Return the bounds of the time span that is least likely to hold so many exceptions by chance.

    This assumes that requests are spread evenly over the run; the caller then counts those in the
    span. None if no span is unlikely, or if no time is known, as for ids that were reserved but may
    never have been used.
    """
    drawn, best = len(times_ns), (chance.CERTAIN, 0, 0)
    if not drawn:
        return None
    for close in np.unique(np.linspace(drawn, (drawn + 1) // 2, _TRIED).astype(int))[::-1]:
        widths_ns = times_ns[close - 1 :] - times_ns[: drawn - close + 1]
        start = int(np.argmin(widths_ns))
        share = min(1.0, max(int(widths_ns[start]), 1) / max(span_ns, 1))
        best = min(best, (chance.of_closeness(int(close), drawn, share), start, int(close)))
    likely, start, close = best
    if likely >= chance.CERTAIN:
        return None
    return int(times_ns[start]), int(times_ns[start + close - 1])


def _iso(at: datetime) -> str:
    return f"{at.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
