"""The rates of a run: how much was asked for and made a second, by which its latencies are read.

With `--rate` both count arrivals, over the time in which they were due, so that what was dropped,
or was lost with a generator, keeps the achieved rate below the target. Without it nothing is asked
for, and what is achieved is the `rps` of the thresholds: requests, over the time from the first to
the last answer, so that a service that hangs keeps it low.
Pure.
"""

from dataclasses import dataclass

from headcount.open_model.scheduled_arrivals import Arrivals


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates of the whole run; the target is None where no rate was asked for.

    The achieved one is None where nothing took time: of no request, or a single one.
    """

    target_per_s: float | None = None
    achieved_per_s: float | None = None

    @property
    def shown(self) -> dict[str, str]:
        """Each by its name, as it is shown."""
        return {
            "target": _shown(self.target_per_s, "none"),
            "achieved": _shown(self.achieved_per_s, "not measured"),
        }

    def __str__(self) -> str:
        """Say both in a line."""
        return ", ".join(f"{name} {rate}" for name, rate in self.shown.items())


def of_arrivals(arrivals: Arrivals, due_for_s: float) -> Rates:
    """Give the rates of arrivals that were due within so many seconds."""
    return Rates(_per_s(arrivals.due, due_for_s), _per_s(arrivals.started, due_for_s))


def of_requests(count: int, span_s: float) -> Rates:
    """Give the rate of requests that nothing but their users has paced."""
    return Rates(None, _per_s(count, span_s))


def _per_s(count: int, seconds: float) -> float | None:
    return count / seconds if seconds > 0 else None


def _shown(per_s: float | None, otherwise: str) -> str:
    if per_s is None:
        return otherwise
    return f"{per_s:,.1f}/s" if per_s >= 1 else f"{per_s:.2g}/s"
