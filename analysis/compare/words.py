"""Words: how changes, intervals and limits are told, in a sentence or in a table's cells."""

from collections.abc import Iterable, Iterator

from analysis.compare.change import Change, Label
from analysis.compare.limits import Judged, State
from analysis.compare.model import Comparison, Versus
from analysis.compare.statistics import Estimate
from headcount.metrics import Kind, Metric

HEADER = ("base", "run", "change", "95 % interval", "which is")
"""What stands in the cells that `cells` gives."""

_HEADLINES = (
    *("lost", "duplicated", "ghost", "phantom", "corrupted", "garbled", "misplaced", "reordered"),
    *("failed", "indeterminate", "fail_ratio", "rps"),
)
_HEADLINE_AGGREGATES = ("p50", "p99")
_FEW = 10
_FARTHEST = 10.0
_WHOLE = 0.05


def sentences(comparison: Comparison, versus: Versus) -> Iterator[str]:
    """Say first what changed."""
    headlines = [each for each in distinct(versus.in_total) if _is_headline(each.metric)]
    if max(len(comparison.base.runs), len(versus.side.runs)) == 1:
        yield (
            "Each side is one run, so noise cannot be told from change: repeat the runs, and name "
            "those of a side with commas between them."
        )
        yield from (sentence(each) for each in headlines if each.estimate and not each.is_same)
        return
    told = [each for each in headlines if each.is_told]
    yield from (sentence(each) for each in told)
    yield from _of_the_rest(versus, len(told))


def _of_the_rest(versus: Versus, said: int) -> Iterator[str]:
    """Say how many more changed, and of how many it cannot be told."""
    count = sum(each.estimate is not None for each in versus.changes)
    told, unknown = len(versus.told), sum(each.label is Label.UNKNOWN for each in versus.changes)
    if told > said:
        yield (
            f"{told} of {count} figures changed by more than noise, by event type included; of "
            "those that are equal, about one in twenty is taken for changed by chance."
        )
    elif not told and unknown < count:
        yield f"No change is told from noise in {count} figures."
    if unknown:
        yield (
            f"Of {unknown} of {count} figures it cannot be told: a side's runs differ too much "
            "among themselves, so more runs are needed, or longer ones."
        )


def distinct(changes: Iterable[Change]) -> Iterator[Change]:
    """Leave out times from the intended one that are those of the answers.

    They are where no rate is to be kept: a request is due when it is sent.
    """
    of_http: set[object] = set()
    for each in changes:
        figures = (each.metric.event_type, each.metric.aggregate, each.base, each.run)
        if each.metric.name == "http":
            of_http.add(figures)
        elif each.metric.name == "from_intended" and figures in of_http:
            continue
        yield each


def rows(versus: Versus) -> Iterator[Change]:
    """Give what a short table shows: the total, and what of the event types a sentence would."""
    for each in distinct(versus.changes):
        is_of_all = each.metric.event_type is None
        if is_of_all or (each.is_told and _is_headline(each.metric)):
            yield each


def sentence(change: Change) -> str:
    """Say of a change that there is how large it is, and how sure that is."""
    estimate = change.estimate
    assert estimate is not None
    direction = "higher" if estimate.change > 0 else "lower"
    sized = estimate if estimate.change > 0 else estimate.reversed
    size = _sized(change, sized.change)
    if sized.interval is None:
        return f"{readable(change.metric)} is {size} {direction}"
    low, high = (_sized(change, end) for end in (sized.interval.low, sized.interval.high))
    return f"{readable(change.metric)} is {size} {direction} (95 % CI {low} to {high})"


def cells(change: Change) -> tuple[str, ...]:
    """Give a change's cells, as `HEADER` has them."""
    centres = [change.centre(side) for side in (change.base, change.run)]
    shown = ("" if each is None else figure(change.metric, each) for each in centres)
    estimate = change.estimate
    if estimate is None or change.is_same:
        return (*shown, "", "", change.label.value)
    is_share = change.ratio is not None
    changed = signed(change.metric, estimate.change, is_share=is_share)
    return (*shown, changed, interval_of(change, estimate, is_share=is_share), change.label.value)


def interval_of(change: Change, estimate: Estimate, *, is_share: bool) -> str:
    """Write an interval; nothing where there is none."""
    if estimate.interval is None:
        return ""
    low, high = (
        "over +1,000 %"
        if is_share and end > _FARTHEST
        else signed(change.metric, end, is_share=is_share)
        for end in (estimate.interval.low, estimate.interval.high)
    )
    return f"{low} to {high}"


def limit(judged: Judged) -> str:
    """Say what was found for a limit, without what is said of it."""
    change, estimate = judged.change, judged.estimate
    if estimate is None:
        return "was not measured in every run"
    if change.is_same:
        return "the same in every run"
    is_share = judged.is_share
    found = signed(change.metric, estimate.change, is_share=is_share)
    interval = interval_of(change, estimate, is_share=is_share)
    sure = f" (95 % CI {interval})" if interval else ", one run a side"
    if judged.state is not State.UNKNOWN:
        return found + sure
    if not interval:
        return f"{found}{sure}; times of the broker are in whole ms, so this may be rounding"
    return f"{found}{sure}, which allows for both; more or longer runs are needed"


def readable(metric: Metric) -> str:
    """Name a metric for a sentence."""
    return plain(metric) if metric.event_type is None else f"{plain(metric)} of {metric.event_type}"


def plain(metric: Metric) -> str:
    """Name a metric where it is clear of which event type it is."""
    return " ".join(filter(None, (metric.name.replace("_", " "), metric.aggregate)))


def figure(metric: Metric, value: float) -> str:
    """Write a figure; the mean of counts is no whole number."""
    if metric.kind is Kind.COUNT and abs(value - round(value)) > _WHOLE:
        return f"{value:,.1f}"
    return metric.show(value)


def signed(metric: Metric, value: float, *, is_share: bool) -> str:
    """Write a change with its sign, as a share of the base or in the metric's unit."""
    written = f"{_share(abs(value))} %" if is_share else figure(metric, abs(value))
    return f"{'-' if value < 0 else '+'}{written}"


def _is_headline(metric: Metric) -> bool:
    return metric.name in _HEADLINES or metric.aggregate in _HEADLINE_AGGREGATES


def _sized(change: Change, value: float) -> str:
    is_share = change.ratio is not None
    return f"{_share(value)} %" if is_share else figure(change.metric, value)


def _share(value: float) -> str:
    percent = 100 * value
    return f"{percent:,.0f}" if abs(percent) >= _FEW else f"{percent:,.1f}"
