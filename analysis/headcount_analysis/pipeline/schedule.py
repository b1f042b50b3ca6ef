"""The schedule: a run's planned rate, and the rate that it achieved."""

from headcount.errors import EvidenceError, UsageError
from headcount.ledger.location import open_location
from headcount.ledger.shortfall import Shortfall
from headcount.open_model.arrival_counts import all_arrivals
from headcount.open_model.rate import parse_rate
from headcount_analysis.measure.over_time import RateAt
from headcount_analysis.measure.rates import Rates, of_arrivals, of_requests
from headcount_analysis.measure.run_span import RunSpan
from headcount_analysis.pipeline.plan import VerificationPlan

_FEW = 0.01
"""The rate is in doubt if more than this share of arrivals was dropped because users had ended."""


def planned_rate(plan: VerificationPlan) -> RateAt | None:
    """Return the planned rate by time; None if the run had none. Raises EvidenceError."""
    text, scheduled = plan.manifest.options.get("rate"), plan.folder.read_scheduled()
    if not text or scheduled is None:
        return None
    try:
        rate = parse_rate(str(text))
    except UsageError as error:
        raise EvidenceError(f"{plan.folder.manifest_path} is damaged: {error}") from None

    def rate_at(at_ns: int) -> float:
        elapsed_s = (at_ns - scheduled.began_at_ns) / 1e9
        return rate.rate_at(elapsed_s) if 0 <= elapsed_s <= scheduled.elapsed_s else 0.0

    return rate_at


def rates(plan: VerificationPlan, attempted: int, span_s: float) -> Rates:
    """Return the target and achieved rate: of scheduled arrivals, or else of requests."""
    scheduled = plan.folder.read_scheduled()
    if scheduled is None:
        return of_requests(attempted, span_s)
    location = open_location(plan.folder.ledger_location(plan.manifest))
    return of_arrivals(all_arrivals(*location, scheduled.due), scheduled.elapsed_s)


def idle(plan: VerificationPlan, shortfall: Shortfall, span: RunSpan | None) -> tuple[float, str]:
    """Return by how many seconds the schedule outlasted the requests because users had ended.

    The text gives the figures. Zero and an empty text if there is no schedule, or if it dropped no
    more than a few arrivals.
    """
    scheduled = plan.folder.read_scheduled()
    if scheduled is None or span is None:
        return 0.0, ""
    idle_s = scheduled.elapsed_s - span.seconds
    if idle_s <= 0 or shortfall.userless <= _FEW * sum(scheduled.due.values()):
        return 0.0, ""
    return idle_s, (
        f"{shortfall.ended_users:,} of {shortfall.users:,} users ended by themselves, and the "
        f"requests span {span.seconds:,.1f} s of a schedule of {scheduled.elapsed_s:,.1f} s"
    )
