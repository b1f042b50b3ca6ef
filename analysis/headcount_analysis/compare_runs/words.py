"""Words: formats changes, intervals and limits as sentences and table cells."""

from collections.abc import Iterable, Iterator
from statistics import fmean

from headcount.noun_counts import number
from headcount.thresholds.metrics import Metric, MetricKind
from headcount_analysis.compare_runs.change import Change, ChangeLabel
from headcount_analysis.compare_runs.facts import worse_verdict
from headcount_analysis.compare_runs.limits import LimitResult, LimitState
from headcount_analysis.compare_runs.model import RunComparison, Versus
from headcount_analysis.compare_runs.statistics import Estimate

HEADER = ("base", "run", "change", "95 % interval", "assessment")
"""The header of the cells that `cells` returns."""

_HEADLINES = (
    *("lost", "duplicated", "ghost", "phantom", "corrupted", "garbled", "misplaced", "reordered"),
    *("failed", "indeterminate", "fail_ratio", "rps"),
)
_HEADLINE_AGGREGATES = ("p50", "p99")
_FEW = 10
_FARTHEST, _BEYOND = 10.0, "over +1,000 %"
_WHOLE = 0.05
_POINTS = " percentage points"


def headline(comparison: RunComparison) -> str:
    """Summarize in one line: what got worse, then limits, then other changes."""
    worse = [text for versus in comparison.others for text in worse_of(comparison, versus)]
    parts = [f"WORSE: {'; '.join(worse)}"] if worse else []
    count = len(comparison.limits)
    broken, unknown = (
        len(comparison.of_state(state)) for state in (LimitState.BROKEN, LimitState.UNKNOWN)
    )
    if broken:
        parts.append(f"{broken} of {count} limits broken")
    elif unknown:
        parts.append(f"{unknown} of {count} limits could not be decided")
    elif count:
        parts.append(f"{count} of {count} limits kept")
    line = "; ".join(parts) or _without_limits(comparison)
    return line[0].upper() + line[1:]


def _without_limits(comparison: RunComparison) -> str:
    better = [_fact(change) for versus in comparison.others for change in versus.better]
    if better:
        return f"better: {'; '.join(better)}"
    count = sum(len(versus.significant) for versus in comparison.others)
    if count:
        return f"{number(count, 'figure')} changed by more than noise"
    if not comparison.is_repeated:
        return "one run per side cannot separate change from noise"
    samples = [change for versus in comparison.others for change in versus.samples]
    unknown = sum(change.label is ChangeLabel.UNKNOWN for change in samples)
    if 2 * unknown > len(samples):
        return f"cannot tell: {unknown} of {len(samples)} figures could not be decided"
    return "no clear change"


def worse_of(comparison: RunComparison, versus: Versus) -> tuple[str, ...]:
    """Describe each fact that got worse, and the verdict if it did."""
    prefix = f"{versus.side.name}: " if len(comparison.others) > 1 else ""
    worse = (
        *(_fact(change) for change in versus.worse),
        *worse_verdict(comparison.base, versus.side),
    )
    return tuple(f"{prefix}{text}" for text in worse)


def _fact(change: Change) -> str:
    before, after = (figure(change.metric, fmean(side)) for side in (change.base, change.run))
    is_repeated = max(len(change.base), len(change.run)) > 1
    direction = "rose" if change.label in {ChangeLabel.WORSE, ChangeLabel.MORE} else "fell"
    mean = " per run on average" if is_repeated else ""
    return f"{readable(change.metric)} {direction} from {before} to {after}{mean}"


def sentences(comparison: RunComparison, versus: Versus) -> Iterator[str]:
    """Yield sentences on what got worse, then on what changed."""
    yield from (f"WORSE: {text}" for text in worse_of(comparison, versus))
    yield from (f"better: {_fact(change)}" for change in versus.better)
    headlines = [
        change
        for change in distinct(versus.in_total)
        if _is_headline(change.metric)
        and change.label not in {ChangeLabel.WORSE, ChangeLabel.BETTER}
    ]
    if max(len(comparison.base.runs), len(versus.side.runs)) == 1:
        yield (
            "One run per side cannot separate change from noise. Use three or more runs per "
            "side, separated by commas."
        )
        yield from (
            sentence(change) for change in headlines if change.estimate and not change.is_same
        )
        return
    significant = [change for change in headlines if change.is_significant]
    yield from (sentence(change) for change in significant)
    yield from _remaining(versus, sum(not change.is_fact for change in significant))


def _remaining(versus: Versus, described: int) -> Iterator[str]:
    """Summarize the changes beyond those described, and the figures that are undecided."""
    count = sum(change.estimate is not None for change in versus.samples)
    significant, unknown = (
        len(versus.significant),
        sum(change.label is ChangeLabel.UNKNOWN for change in versus.samples),
    )
    if significant > described:
        yield (
            f"{significant} of {count} figures changed by more than noise, including those by "
            "event type; at most one in twenty of these changes may be chance."
        )
    elif not significant and unknown < count:
        yield f"No clear change in {_some(count - unknown, count)} figures."
    if unknown:
        yield (
            f"{unknown} of {count} figures could not be decided: the runs of a side differ too "
            "much, so more or longer runs are needed."
        )


def _some(number: int, of: int) -> str:
    return f"{number}" if number == of else f"{number} of {of}"


def distinct(changes: Iterable[Change]) -> Iterator[Change]:
    """Leave out `from_intended` figures that equal those of `http`.

    Without a target rate they are equal: a request is due when it is sent.
    """
    of_http: set[object] = set()
    for change in changes:
        figures = (change.metric.event_type, change.metric.aggregate, change.base, change.run)
        if change.metric.name == "http":
            of_http.add(figures)
        elif change.metric.name == "from_intended" and figures in of_http:
            continue
        yield change


def rows(versus: Versus) -> Iterator[Change]:
    """Yield the rows of a short table: all totals, and headline changes of event types."""
    for change in distinct(versus.changes):
        is_of_all = change.metric.event_type is None
        if is_of_all or (change.is_significant and _is_headline(change.metric)):
            yield change


def sentence(change: Change) -> str:
    """Describe a change: its size and its confidence interval."""
    estimate = change.estimate
    assert estimate is not None
    if change.is_fact:
        return _fact(change)
    direction = "higher" if estimate.change > 0 else "lower"
    sized = estimate if estimate.change > 0 else estimate.reversed
    size = _sized(change, sized.change)
    if sized.interval is None:
        return f"{readable(change.metric)} is {size} {direction}"
    low, high = (_sized(change, end) for end in (sized.interval.low, sized.interval.high))
    return f"{readable(change.metric)} is {size} {direction} (95 % CI {_range(low, high)})"


def cells(change: Change) -> tuple[str, ...]:
    """Format a change as cells, in the order of `HEADER`."""
    centres = [change.centre(side) for side in (change.base, change.run)]
    shown = ("" if centre is None else figure(change.metric, centre) for centre in centres)
    estimate = change.estimate
    if estimate is None or change.is_same:
        return (*shown, "", "", change.label.value)
    is_share = change.ratio is not None
    changed = signed(change.metric, estimate.change, is_share=is_share)
    return (*shown, changed, interval_of(change, estimate, is_share=is_share), change.label.value)


def interval_of(change: Change, estimate: Estimate, *, is_share: bool) -> str:
    """Format an interval; empty without one."""
    if estimate.interval is None:
        return ""
    low, high = (
        _BEYOND if is_share and end > _FARTHEST else signed(change.metric, end, is_share=is_share)
        for end in (estimate.interval.low, estimate.interval.high)
    )
    return _BEYOND if low == _BEYOND else _range(low, high)


def limit(judged: LimitResult) -> str:
    """Describe what was measured for a limit, without its result."""
    change, estimate = judged.change, judged.estimate
    if estimate is None:
        return "not measured in every run"
    if change.is_same and judged.state is not LimitState.UNKNOWN:
        return "the same in every run"
    is_share = judged.is_share
    size = signed(change.metric, estimate.change, is_share=is_share)
    interval = interval_of(change, estimate, is_share=is_share)
    if change.is_fact:
        return size
    confidence = f" (95 % CI {interval})" if interval else ", one run per side"
    why = _why_unknown(judged) if judged.state is LimitState.UNKNOWN else ""
    return f"{size}{confidence}{why}"


def _why_unknown(judged: LimitResult) -> str:
    """Explain why a limit is neither kept nor broken."""
    if not judged.is_single:
        return "; the interval does not decide the limit, so more or longer runs are needed"
    if judged.allows_single_run:
        return "; broker timestamps are whole ms, so this may be rounding"
    return "; repeat the runs, or accept single runs with --allow-single-run"


def readable(metric: Metric) -> str:
    """Return the name of a metric for a sentence."""
    return plain(metric) if metric.event_type is None else f"{plain(metric)} of {metric.event_type}"


def plain(metric: Metric) -> str:
    """Return the name of a metric without its event type."""
    return " ".join(filter(None, (metric.name.replace("_", " "), metric.aggregate)))


def figure(metric: Metric, value: float) -> str:
    """Format a figure; a mean of counts may have a fraction."""
    if metric.kind is MetricKind.COUNT and abs(value - round(value)) > _WHOLE:
        return f"{value:,.1f}"
    return metric.show(value)


def signed(metric: Metric, value: float, *, is_share: bool) -> str:
    """Format a change with its sign, as a share of the base or in the metric's unit."""
    written = f"{_share(abs(value))} %" if is_share else _difference(metric, abs(value))
    return f"{'-' if value < 0 else '+'}{written}"


def _difference(metric: Metric, value: float) -> str:
    """Format a change in a metric's own unit; the change of a ratio is in percentage points."""
    if metric.kind is MetricKind.RATIO:
        return f"{100 * value:.3g}{_POINTS}"
    return figure(metric, value)


def _range(low: str, high: str) -> str:
    return f"{low.removesuffix(_POINTS)} to {high}"


def _is_headline(metric: Metric) -> bool:
    return metric.name in _HEADLINES or metric.aggregate in _HEADLINE_AGGREGATES


def _sized(change: Change, value: float) -> str:
    is_share = change.ratio is not None
    return f"{_share(value)} %" if is_share else _difference(change.metric, value)


def _share(value: float) -> str:
    percent = 100 * value
    return f"{percent:,.0f}" if abs(percent) >= _FEW else f"{percent:,.1f}"
