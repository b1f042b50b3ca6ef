"""Facts: counts of classes and flags, which are counted, not sampled.

Latency differs between runs of the same service. But 23 acknowledged events missing from the topic
are not measurement noise: any rise is reported, however few the runs. If a side has several runs,
the means are compared.
"""

from collections.abc import Iterable, Iterator

from headcount.run.verdict import Label
from headcount.thresholds.metrics import METRICS
from headcount_analysis.compare_runs.runs import Document, Side, VerifiedRun

FACTS = frozenset(name for name, row in METRICS.items() if row.is_fact)
_ALWAYS_JUDGED = frozenset(name for name in FACTS if not METRICS[name].opt_in)


def judged_in(runs: Iterable[VerifiedRun]) -> frozenset[str]:
    """Return the facts that count against at least one of the runs."""
    return frozenset[str]().union(*(judged_by(run.document) for run in runs))


def judged_by(document: Document) -> frozenset[str]:
    """Return the facts that count against a run; an `opt_in` one does only if the run limits it."""
    limited = (name for name, limit in document.limits.items() if limit is not None)
    return _ALWAYS_JUDGED | (frozenset(limited) & FACTS)


def worse_verdict(base: Side, run: Side) -> Iterator[str]:
    """Yield a sentence if the worst label of `run` is worse than that of `base`."""
    before, after = worst_label(base), worst_label(run)
    if after.rank > before.rank:
        yield f"the label changed from {before.value} to {after.value}"


def worst_label(side: Side) -> Label:
    """Return the worst label of a side's runs."""
    return max((run.document.label for run in side.runs), key=lambda label: label.rank)
