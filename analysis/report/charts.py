"""The charts, as SVG that stands in the page: no script, no network, no font from elsewhere."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import altair as alt
import pandas as pd
import vl_convert
from markupsafe import Markup

from analysis.classes import ATTEMPT_FATES, Counts, Fate
from analysis.latency import TOTAL, Latency, Measure, Second
from analysis.report.tables import percentile_name
from analysis.timeline import Timeline

MAX_POINTS = 300
"""How many points in time a line has at most."""

# Distinct with every common form of colour blindness (Okabe and Ito, 2008).
PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8a8a00", "#888888")
_INK = "currentColor"  # the page's own, light or dark
WIDTH = 620
# The reader's font may be wider than the one by which labels are measured.
_PADDING = {"left": 32, "right": 12, "top": 5, "bottom": 5}
_OUTCOMES = ("acked", "refused", "indeterminate", "lost", "duplicated")
_MARGIN_NS = 10_000_000_000


def timeline(seconds: Iterable[Second]) -> Markup | None:
    """Draw requests and arrivals per second over time, by event type."""
    frame = _binned(seconds)
    if frame.empty:
        return None
    lines = (
        alt.Chart(frame)
        .mark_line(point=len(frame) < MAX_POINTS)
        .encode(
            x=alt.X("elapsed_s:Q", title="seconds from the first request"),
            y=alt.Y("rate:Q", title="per second"),
            color=_by_type(),
            strokeDash=alt.StrokeDash("measure:N", title=None),
        )
    )
    return svg(lines.properties(width=WIDTH, height=220))


def _binned(seconds: Iterable[Second]) -> pd.DataFrame:
    """Give rates per second by event type and measure: elapsed_s, event_type, measure, rate."""
    columns = ["event_type", "measure", "unix_s", "count"]
    frame = pd.DataFrame(
        [(each.event_type, each.measure.value, each.unix_s, each.count) for each in seconds],
        columns=columns,
    )
    requested = frame[frame["measure"] == Measure.REQUESTED.value]["unix_s"]
    if requested.empty:
        return frame.iloc[0:0]
    first, last = int(requested.min()), int(requested.max())
    length = last - first + 1
    # A clock that is wrong, or a timestamp that anyone may set, must not stretch the axis.
    near = frame["unix_s"].between(first - length - 60, last + length + 60)
    frame = frame[near]
    span = int(frame["unix_s"].max()) - first + 1
    step = max(1, -(-span // MAX_POINTS))
    frame = frame.assign(elapsed_s=(frame["unix_s"] - first) // step * step)
    sums = frame.groupby(["event_type", "measure", "elapsed_s"], as_index=False)["count"].sum()
    binned: pd.DataFrame = sums.assign(rate=sums["count"] / step)
    return binned


def outcomes(over_time: Timeline) -> Markup | None:
    """Draw outcomes and losses per second by sending time, with a rule for each moment.

    A run in which all was acknowledged and nothing happened has no such picture.
    """
    harmed = any(each.is_disturbed or each.lost or each.duplicated for each in over_time.slices)
    if not over_time.slices or not (harmed or over_time.moments):
        return None
    colors = alt.Scale(domain=list(_OUTCOMES), range=list(PALETTE[: len(_OUTCOMES)]))
    lines = (
        alt.Chart(_outcome_rates(over_time))
        .mark_line(interpolate="step-after")
        .encode(
            x=alt.X("elapsed_s:Q", title="seconds from the first request"),
            y=alt.Y("rate:Q", title="per second"),
            color=alt.Color("outcome:N", title=None, scale=colors),
        )
    )
    return svg((lines + _rules(over_time)).properties(width=WIDTH, height=180))


def _outcome_rates(over_time: Timeline) -> pd.DataFrame:
    """Give rates per second of the outcomes that there were: outcome, elapsed_s, rate."""
    frame = pd.DataFrame([asdict(each) for each in over_time.slices])
    steps = -(-len(frame) // MAX_POINTS)
    sums = frame[list(_OUTCOMES)].groupby(frame.index // steps).sum()
    width_s = steps * over_time.width_ns / 1e9
    rates = sums.loc[:, sums.any()] / width_s
    rates.insert(0, "elapsed_s", sums.index * width_s)
    return rates.melt("elapsed_s", var_name="outcome", value_name="rate")


def _rules(over_time: Timeline) -> alt.Chart:
    first, last = over_time.slices[0].at_ns, over_time.slices[-1].at_ns
    # A mark may name any time, and must not stretch the axis.
    near = [
        (moment.at_ns - first) / 1e9
        for moment in over_time.moments
        if first - _MARGIN_NS <= moment.at_ns <= last + _MARGIN_NS
    ]
    frame = pd.DataFrame({"elapsed_s": near}, dtype=float)
    rules: alt.Chart = alt.Chart(frame).mark_rule(strokeDash=[4, 4], color=_INK)
    return rules.encode(x="elapsed_s:Q")


def latency(latencies: Iterable[Latency]) -> Markup | None:
    """Draw the percentiles of every measure over all event types."""
    rows = [
        (each.measure.value.replace("_", " "), percentile_name(quantile), ms)
        for each in latencies
        if each.event_type == TOTAL
        for quantile, ms in each.percentiles.items()
    ]
    if not rows:
        return None
    frame = pd.DataFrame(rows, columns=["measure", "percentile", "ms"])
    lines = (
        alt.Chart(frame)
        .mark_line(point=True)
        .encode(
            x=alt.X("percentile:N", sort=None, title=None, axis=alt.Axis(labelAngle=0)),
            y=alt.Y("ms:Q", title="ms"),
            color=alt.Color("measure:N", title=None, scale=alt.Scale(range=list(PALETTE))),
        )
    )
    return svg(lines.properties(width=WIDTH, height=200))


def classes(by_event_type: Mapping[str, Counts]) -> Markup | None:
    """Draw how many events of each type have come to each class."""
    rows = [
        (name, fate.value, counts.as_dict()[fate])
        for name, counts in by_event_type.items()
        for fate in (*ATTEMPT_FATES, Fate.PHANTOM)
        if counts.as_dict()[fate]
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
            x=alt.X("count:Q", title="attempts", axis=alt.Axis(tickMinStep=1)),
            color=_by_type(),
        )
    )
    return svg(bars.properties(width=WIDTH, height=alt.Step(24)))


def _by_type() -> alt.Color:
    return alt.Color("event_type:N", title=None, scale=alt.Scale(range=list(PALETTE)))


def svg(chart: alt.Chart) -> Markup:
    """Render a chart so that it takes the page's width and colours."""
    styled = (
        chart.configure(background="transparent", padding=_PADDING)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=_INK,
            titleColor=_INK,
            domainColor=_INK,
            tickColor=_INK,
            gridColor=_INK,
            gridOpacity=0.15,
        )
        .configure_legend(labelColor=_INK, titleColor=_INK, orient="bottom", columns=4)
    )
    specification: dict[str, Any] = styled.to_dict()
    svg: str = vl_convert.vegalite_to_svg(specification, allowed_base_urls=[])
    scaled = re.sub(r'(<svg [^>]*?)\swidth="[^"]*"\sheight="[^"]*"', r"\1", svg, count=1)
    # vl-convert escapes every text that it draws.
    return Markup(scaled)  # noqa: S704
