"""The target rate and the achieved rate of a run, needed to interpret its latencies.

With `--rate`, both count arrivals over the time in which they were due. So arrivals that were
dropped, or lost because a generator died, keep the achieved rate below the target. Without `--rate`
there is no target, and the achieved rate is the thresholds' `rps`: requests over the time from the
first request to the last response. So a service that hangs keeps it low.
Pure.
"""

from dataclasses import dataclass

from headcount.open_model.arrival_counts import Arrivals


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates of the whole run; the target is None if no rate was set.

    The achieved rate is None if the requests span no time, as when there is only one, or none.
    """

    target_per_s: float | None = None
    achieved_per_s: float | None = None

    @property
    def shown(self) -> dict[str, str]:
        """The formatted rates, by name, without those that were not set or not measured."""
        rates = {"target": self.target_per_s, "achieved": self.achieved_per_s}
        return {name: _shown(rate) for name, rate in rates.items() if rate is not None}

    def __str__(self) -> str:
        """Format both rates in one line."""
        shown = (f"{name} {rate}" for name, rate in self.shown.items())
        return ", ".join(shown) or "rate not measured"


def of_arrivals(arrivals: Arrivals, due_for_s: float) -> Rates:
    """Return the rates of arrivals that were due within `due_for_s` seconds."""
    return Rates(_per_s(arrivals.due, due_for_s), _per_s(arrivals.started, due_for_s))


def of_requests(count: int, span_s: float) -> Rates:
    """Return the rate of `count` requests that only their users paced."""
    return Rates(None, _per_s(count, span_s))


def _per_s(count: int, seconds: float) -> float | None:
    return count / seconds if seconds > 0 else None


def _shown(per_s: float) -> str:
    return f"{per_s:,.1f}/s" if per_s >= 1 else f"{per_s:.2g}/s"
