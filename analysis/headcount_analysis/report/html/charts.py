"""The charts of a run: load, latency, outcomes, classes and the generators' health."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

import altair as alt
import pandas as pd
from markupsafe import Markup

from headcount.ledger.event_types import TOTAL
from headcount_analysis.classes_and_flags import ATTEMPT_FATES, Counts, Fate
from headcount_analysis.measure.generator_health import BUSY_PERCENT, LATE_MS, GeneratorHealth
from headcount_analysis.measure.histogram import Measure
from headcount_analysis.measure.latency import CurvePoint
from headcount_analysis.measure.over_time import OverTime, Percentiles
from headcount_analysis.measure.timeline import Timeline
from headcount_analysis.report.html.svg import INK, PALETTE, elapsed, is_single, svg, value_axis

MAX_POINTS = 300
"""The maximum number of points of a line."""

_OUTCOMES = {
    "acked": "acked",
    "refused": "failed without 4xx",
    "indeterminate": "indeterminate",
    "lost": "lost",
    "duplicated": "duplicated",
}
"""The label of each count of a slice."""

_MARGIN_NS = 10_000_000_000

_MOST_GENERATORS = 8

# Overlapping lines stay visible: the lower ones are wider.
_LOADS = {
    "target": ("#888888", 7, [1, 0]),
    "started": ("#0072b2", 4, [1, 0]),
    "answered": ("#e69f00", 2, [1, 0]),
    "arrived": ("#009e73", 1.6, [5, 3]),
}

_PERCENTILES = {
    "p50": ("#0072b2", 1.6, [1, 0]),
    "p95": ("#e69f00", 1.6, [1, 0]),
    "p99": ("#d55e00", 1.6, [6, 2]),
    "max": ("#888888", 1, [2, 2]),
}


def load(course: OverTime) -> Markup | None:
    """Draw requests due, started, answered and published per second."""
    # The run ends within the last slice, which would look like a drop.
    whole = course.slices[:-1] or course.slices
    rows = [
        (each.elapsed_s, name, rate)
        for each in whole
        for name, rate in (
            ("target", each.target),
            ("started", each.started / course.width_s),
            ("answered", each.answered / course.width_s),
            ("arrived", each.arrived / course.width_s),
        )
        if rate is not None
    ]
    if not rows:
        return None
    frame = pd.DataFrame(rows, columns=["elapsed_s", "line", "value"])
    names = [name for name in _LOADS if name != "target" or (frame["line"] == name).any()]
    return svg(_lines(frame, {name: _LOADS[name] for name in names}, "per second"), 220)


def latency_over_time(course: OverTime, measure: Measure) -> Markup | None:
    """Draw the percentiles of one measure, by the time when requests were due."""
    rows = [
        (each.elapsed_s, name.removesuffix("_ms"), getattr(percentiles, name))
        for each in course.slices
        if (percentiles := each.latency.get(measure)) is not None
        for name in Percentiles.__slots__
    ]
    if not rows:
        return None
    frame = pd.DataFrame(rows, columns=["elapsed_s", "line", "value"])
    return svg(_lines(frame, _PERCENTILES, "ms"), 190)


def _lines(
    frame: pd.DataFrame, looks: Mapping[str, tuple[str, float, list[int]]], unit: str
) -> alt.Chart:
    """Draw the columns elapsed_s, line and value; `looks` has each line's colour, width, dashes."""
    domain = list(looks)
    colors, widths, dashes = zip(*looks.values(), strict=True)
    lines: alt.Chart = (
        alt.Chart(frame)
        .mark_line(point=is_single(frame["elapsed_s"]))
        .encode(
            x=elapsed(frame["elapsed_s"]),
            y=value_axis(frame["value"], unit),
            color=alt.Color("line:N", title=None, scale=alt.Scale(domain=domain, range=colors)),
            strokeWidth=alt.StrokeWidth(
                "line:N", title=None, scale=alt.Scale(domain=domain, range=widths)
            ),
            strokeDash=alt.StrokeDash(
                "line:N", title=None, scale=alt.Scale(domain=domain, range=dashes)
            ),
        )
    )
    return lines


def percentile_curve(curve: Iterable[CurvePoint]) -> Markup | None:
    """Draw the percentile curves over all event types, as HDR histograms are drawn."""
    rows = [
        # Quantile 1 would lie at infinity on this axis; it is drawn at the number of values.
        (each.measure.words, min(1 / (1 - each.quantile), each.count), each.ms)
        if each.quantile < 1
        else (each.measure.words, each.count, each.ms)
        for each in curve
        if each.event_type == TOTAL
    ]
    if not rows:
        return None
    frame = pd.DataFrame(rows, columns=["measure", "rarity", "value"])
    names = [each.words for each in Measure]
    labels = {1: "0 %", 2: "50 %", 4: "75 %", 10: "90 %"}
    labels |= {10**nines: f"{100 - 100 / 10**nines:.{nines - 2}f} %" for nines in range(2, 10)}
    values = [each for each in labels if each <= frame["rarity"].max()]
    written = ", ".join(f"'{value}': '{label}'" for value, label in labels.items())
    x = alt.X(
        "rarity:Q",
        title="percentile",
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(values=values, labelExpr=f"{{{written}}}[datum.value]", labelOverlap=True),
    )
    lines = (
        alt.Chart(frame)
        .mark_line(strokeWidth=2)
        .encode(
            x=x,
            y=value_axis(frame["value"], "ms"),
            color=alt.Color(
                "measure:N", title=None, scale=alt.Scale(domain=names, range=PALETTE[:3])
            ),
            strokeDash=alt.StrokeDash("measure:N", title=None, scale=alt.Scale(domain=names)),
        )
    )
    return svg(lines, 260)


def health(generators: Sequence[GeneratorHealth], first_ns: int) -> Sequence[tuple[str, Markup]]:
    """Draw CPU load and timer lag of the busiest generators over time, each with a caption."""
    known = [generator for generator in generators if generator.is_known]
    busiest = sorted(known, key=lambda generator: -(generator.cpu_percent_max or 0))[
        :_MOST_GENERATORS
    ]
    rows = [
        (
            *(str(generator.generator), (sample.at_ns - first_ns) / 1e9),
            *(sample.cpu_percent, sample.schedule_lag_ms),
        )
        for generator in sorted(busiest, key=lambda generator: generator.generator)
        for sample in generator.samples
    ]
    if not rows:
        return ()
    frame = pd.DataFrame(rows, columns=["generator", "elapsed_s", "cpu", "lag"])
    some = "" if len(busiest) == len(known) else f" ({len(busiest)} busiest)"
    return (
        (f"CPU per generator, in % of a core{some}", _health(frame, "cpu", "%", BUSY_PERCENT)),
        (f"Longest timer lag, in ms{some}", _health(frame, "lag", "ms", LATE_MS)),
    )


def _health(frame: pd.DataFrame, column: str, unit: str, limit: float) -> Markup:
    """Draw one column, a line per generator, and the limit above which it is too high."""
    top = max(limit * 1.1, float(frame[column].max()))
    lines = (
        alt.Chart(frame)
        .mark_line(point=is_single(frame["elapsed_s"]))
        .encode(
            x=elapsed(frame["elapsed_s"]),
            y=alt.Y(
                f"{column}:Q",
                title=unit,
                axis=alt.Axis(tickCount=4),
                scale=alt.Scale(domain=[0, top], nice=False),
            ),
            color=alt.Color("generator:N", title="generator", scale=alt.Scale(range=list(PALETTE))),
        )
    )
    rule = alt.Chart(pd.DataFrame({"limit": [limit]})).mark_rule(strokeDash=[4, 4], color=INK)
    return svg(lines + rule.encode(y="limit:Q"), 110)


def outcomes(over_time: Timeline) -> Markup | None:
    """Draw outcomes, losses and duplicates per second by send time.

    A vertical line marks each timeline event, such as a mark. None if nothing was disturbed, lost
    or duplicated, and the timeline has no events.
    """
    harmed = any(each.is_disturbed or each.lost or each.duplicated for each in over_time.slices)
    if not over_time.slices or not (harmed or over_time.moments):
        return None
    colors = alt.Scale(domain=list(_OUTCOMES.values()), range=list(PALETTE[: len(_OUTCOMES)]))
    rates, rules = _outcome_rates(over_time), _near(over_time)
    lines = (
        alt.Chart(rates)
        .mark_line(interpolate="step-after")
        .encode(
            x=elapsed(pd.concat([rates["elapsed_s"], rules["elapsed_s"]])),
            y=alt.Y("rate:Q", title="per second"),
            color=alt.Color("outcome:N", title=None, scale=colors),
        )
    )
    drawn = alt.Chart(rules).mark_rule(strokeDash=[4, 4], color=INK).encode(x="elapsed_s:Q")
    return svg(lines + drawn, 180)


def _outcome_rates(over_time: Timeline) -> pd.DataFrame:
    """Return rates per second of the outcomes that occurred: outcome, elapsed_s, rate."""
    frame = pd.DataFrame([asdict(each) for each in over_time.slices])
    steps = -(-len(frame) // MAX_POINTS)
    counts = frame[list(_OUTCOMES)].rename(columns=_OUTCOMES)
    sums = counts.groupby(counts.index // steps).sum()
    width_s = steps * over_time.width_ns / 1e9
    rates = sums.loc[:, sums.any()] / width_s
    rates.insert(0, "elapsed_s", sums.index * width_s)
    return rates.melt("elapsed_s", var_name="outcome", value_name="rate")


def _near(over_time: Timeline) -> pd.DataFrame:
    """Return the timeline events within the run or near it: elapsed_s."""
    first, last = over_time.slices[0].at_ns, over_time.slices[-1].at_ns
    # A mark can have any time, and must not stretch the axis.
    near = [
        (moment.at_ns - first) / 1e9
        for moment in over_time.moments
        if first - _MARGIN_NS <= moment.at_ns <= last + _MARGIN_NS
    ]
    return pd.DataFrame({"elapsed_s": near}, dtype=float)


def classes(by_event_type: Mapping[str, Counts]) -> Markup | None:
    """Draw the events of each type by class, except delivered ones."""
    rows = [
        (name, fate.value, counts.as_dict()[fate])
        for name, counts in by_event_type.items()
        for fate in (*ATTEMPT_FATES, Fate.PHANTOM)
        if fate is not Fate.DELIVERED and counts.as_dict()[fate]
    ]
    if not rows:
        return None
    frame = pd.DataFrame(rows, columns=["event_type", "class", "count"])
    order = [fate.value for fate in Fate]
    bars = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            y=alt.Y("class:N", sort=order, title=None),
            x=alt.X("count:Q", title="attempts", axis=alt.Axis(tickMinStep=1, tickCount=5)),
            color=_by_type(),
        )
    )
    return svg(bars, alt.Step(24))


def _by_type() -> alt.Color:
    return alt.Color("event_type:N", title=None, scale=alt.Scale(range=list(PALETTE)))


def warm_up() -> None:
    """Draw a throwaway chart: the first chart takes as long as the next ten."""
    frame = pd.DataFrame({"elapsed_s": [0.0], "line": ["p50"], "value": [1.0]})
    svg(_lines(frame, {"p50": _PERCENTILES["p50"]}, "ms"), 100)
