"""Facts: classes of a run are counted, not sampled, and a rise of what is judged makes it worse.

A latency is different in each run of the same service. That 23 acknowledged events are not in the
topic is no chance of the measurement: a rise is told however few runs there are, and nothing of it
is noise. Of several runs on a side the mean is compared.
"""

from collections.abc import Iterable, Iterator

from headcount.run.verdict import Label
from headcount.thresholds.metrics import METRICS
from headcount_analysis.compare.runs import Side, VerifiedRun

FACTS = frozenset(name for name, row in METRICS.items() if row.is_fact)
_ALWAYS_JUDGED = frozenset(name for name in FACTS if not METRICS[name].opt_in)


def judged_in(runs: Iterable[VerifiedRun]) -> frozenset[str]:
    """Name the facts that count against any of the runs."""
    limited = (
        name for run in runs for name, limit in run.document.limits.items() if limit is not None
    )
    return _ALWAYS_JUDGED | (frozenset(limited) & FACTS)


def worse_verdict(base: Side, run: Side) -> Iterator[str]:
    """Say that the worst of a side's runs is called something worse than the worst of the base."""
    before, after = _worst(base), _worst(run)
    if after.rank > before.rank:
        yield f"the verdict is {after.value} and was {before.value}"


def _worst(side: Side) -> Label:
    return max((run.document.label for run in side.runs), key=lambda label: label.rank)
