"""The charts, as SVG that stands in the page: no script, no network, no font from elsewhere.

Each is drawn twice, for a wide and for a narrow page, so that its letters are readable on both.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import altair as alt
import pandas as pd
import vl_convert
from markupsafe import Markup

from headcount_analysis.compare_run.classes import ATTEMPT_FATES, Counts, Fate
from headcount_analysis.measure.generator_health import BUSY_PERCENT, LATE_MS, GeneratorHealth
from headcount_analysis.measure.latency import TOTAL, Measure, Quantile
from headcount_analysis.measure.over_time import OverTime, Percentiles
from headcount_analysis.measure.timeline import Timeline
from headcount_analysis.report.xml_text import as_xml

MAX_POINTS = 300
"""How many points in time a line has at most."""
MAX_LETTERS = 80
"""How long a name is in a picture; tables have it whole."""

# Distinct with every common form of colour blindness (Okabe and Ito, 2008).
PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8a8a00", "#888888")
WIDTHS = {"wide-page": 900, "narrow-page": 350}
"""The classes of the page's style that show one or the other, and their widths."""

_INK = "currentColor"  # the page's own, light or dark
_FONT = "system-ui, sans-serif"
# The reader's font may be wider than the one by which labels are measured.
_PADDING = {"left": 6, "right": 14, "top": 6, "bottom": 4}
_OUTCOMES = ("acked", "refused", "indeterminate", "lost", "duplicated")
_MARGIN_NS = 10_000_000_000
_MOST_GENERATORS = 8
_TICKS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_MOST_TICKS = 6
_DAY_S = 86_400
_SPREAD = 20
"""Where the highest value is so many times a typical one, the axis is logarithmic."""

# Lines that lie upon each other are seen all the same: the lower ones are wider.
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
    """Draw what was asked for, started, answered and published a second."""
    # The last slice is not over when the run is, and would look like a fall.
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
    """Draw the percentiles of one measure, by the time at which requests were due."""
    rows = [
        (each.elapsed_s, name.removesuffix("_ms"), getattr(found, name))
        for each in course.slices
        if (found := each.latency.get(measure)) is not None
        for name in Percentiles.__slots__
    ]
    if not rows:
        return None
    frame = pd.DataFrame(rows, columns=["elapsed_s", "line", "value"])
    return svg(_lines(frame, _PERCENTILES, "ms"), 190)


def _lines(
    frame: pd.DataFrame, looks: Mapping[str, tuple[str, float, list[int]]], unit: str
) -> alt.Chart:
    """Draw the columns elapsed_s, line and value, each line with its colour, width and dashes."""
    domain = list(looks)
    colors, widths, dashes = zip(*looks.values(), strict=True)
    lines: alt.Chart = (
        alt.Chart(frame)
        .mark_line(point=_is_single(frame["elapsed_s"]))
        .encode(
            x=_elapsed(frame["elapsed_s"]),
            y=_values(frame["value"], unit),
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


def _is_single(values: "pd.Series[float]") -> bool:
    """Tell whether a line over these is but a point."""
    return bool(values.min() == values.max())


def _elapsed(seconds: "pd.Series[float]") -> alt.X:
    """Make the axis of time: in seconds, or in minutes where there are some."""
    first, last = float(seconds.min()), float(seconds.max())
    days = math.ceil((last - first) / _DAY_S / _MOST_TICKS)
    step = next((each for each in _TICKS_S if (last - first) / each <= _MOST_TICKS), days * _DAY_S)
    ticks = [number * step for number in range(int(first // step), int(last // step) + 1)]
    in_minutes = step >= 30  # noqa: PLR2004 - half a minute
    axis = alt.Axis(
        values=ticks,
        grid=False,
        labelExpr="floor(datum.value / 60) + ':' + format(datum.value % 60, '02d')"
        if in_minutes
        else alt.Undefined,
    )
    unit = "minutes" if in_minutes else "seconds"
    scale = alt.Scale(domain=[first, max(last, first + 0.1)], nice=False)
    return alt.X("elapsed_s:Q", title=f"{unit} from the first request", axis=axis, scale=scale)


def _values(values: "pd.Series[float]", unit: str) -> alt.Y:
    """Make the axis of values: logarithmic where one scale would hide what is typical."""
    typical, least = float(values.median()), float(values.min())
    if unit == "ms" and least > 0 and float(values.max()) > _SPREAD * typical:
        axis = alt.Axis(values=[10**power for power in range(-3, 9)], format=",~g")
        return alt.Y("value:Q", title="ms, logarithmic", axis=axis, scale=alt.Scale(type="log"))
    return alt.Y("value:Q", title=unit, axis=alt.Axis(tickCount=5), scale=alt.Scale(zero=True))


def percentile_curve(curve: Iterable[Quantile]) -> Markup | None:
    """Draw the percentile curves over all event types, as HDR histograms are drawn."""
    rows = [
        # No value is beyond the last but itself, which stands where the curve ends.
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
            y=_values(frame["value"], "ms"),
            color=alt.Color(
                "measure:N", title=None, scale=alt.Scale(domain=names, range=PALETTE[:3])
            ),
            strokeDash=alt.StrokeDash("measure:N", title=None, scale=alt.Scale(domain=names)),
        )
    )
    return svg(lines, 260)


def health(generators: Sequence[GeneratorHealth], first_ns: int) -> Sequence[tuple[str, Markup]]:
    """Draw the load and the lag of the busiest generators over time, each with its caption."""
    known = [each for each in generators if each.is_known]
    busiest = sorted(known, key=lambda each: -(each.cpu_percent_max or 0))[:_MOST_GENERATORS]
    rows = [
        (
            *(str(each.generator), (sample.at_ns - first_ns) / 1e9),
            *(sample.cpu_percent, sample.schedule_lag_ms),
        )
        for each in sorted(busiest, key=lambda each: each.generator)
        for sample in each.samples
    ]
    if not rows:
        return ()
    frame = pd.DataFrame(rows, columns=["generator", "elapsed_s", "cpu", "lag"])
    some = "" if len(busiest) == len(known) else f", of the {len(busiest)} busiest"
    return (
        (f"CPU of each generator, in % of a core{some}", _health(frame, "cpu", "%", BUSY_PERCENT)),
        (f"Longest lag of a timer, in ms{some}", _health(frame, "lag", "ms", LATE_MS)),
    )


def _health(frame: pd.DataFrame, column: str, unit: str, limit: float) -> Markup:
    """Draw one figure of each generator, and the limit from which on it is too much."""
    top = max(limit * 1.1, float(frame[column].max()))
    lines = (
        alt.Chart(frame)
        .mark_line(point=_is_single(frame["elapsed_s"]))
        .encode(
            x=_elapsed(frame["elapsed_s"]),
            y=alt.Y(
                f"{column}:Q",
                title=unit,
                axis=alt.Axis(tickCount=4),
                scale=alt.Scale(domain=[0, top], nice=False),
            ),
            color=alt.Color("generator:N", title="generator", scale=alt.Scale(range=list(PALETTE))),
        )
    )
    rule = alt.Chart(pd.DataFrame({"limit": [limit]})).mark_rule(strokeDash=[4, 4], color=_INK)
    return svg(lines + rule.encode(y="limit:Q"), 110)


def outcomes(over_time: Timeline) -> Markup | None:
    """Draw outcomes and losses per second by sending time, with a rule for each moment.

    A run in which all was acknowledged and nothing happened has no such picture.
    """
    harmed = any(each.is_disturbed or each.lost or each.duplicated for each in over_time.slices)
    if not over_time.slices or not (harmed or over_time.moments):
        return None
    colors = alt.Scale(domain=list(_OUTCOMES), range=list(PALETTE[: len(_OUTCOMES)]))
    rates, rules = _outcome_rates(over_time), _near(over_time)
    lines = (
        alt.Chart(rates)
        .mark_line(interpolate="step-after")
        .encode(
            x=_elapsed(pd.concat([rates["elapsed_s"], rules["elapsed_s"]])),
            y=alt.Y("rate:Q", title="per second"),
            color=alt.Color("outcome:N", title=None, scale=colors),
        )
    )
    drawn = alt.Chart(rules).mark_rule(strokeDash=[4, 4], color=_INK).encode(x="elapsed_s:Q")
    return svg(lines + drawn, 180)


def _outcome_rates(over_time: Timeline) -> pd.DataFrame:
    """Give rates per second of the outcomes that there were: outcome, elapsed_s, rate."""
    frame = pd.DataFrame([asdict(each) for each in over_time.slices])
    steps = -(-len(frame) // MAX_POINTS)
    sums = frame[list(_OUTCOMES)].groupby(frame.index // steps).sum()
    width_s = steps * over_time.width_ns / 1e9
    rates = sums.loc[:, sums.any()] / width_s
    rates.insert(0, "elapsed_s", sums.index * width_s)
    return rates.melt("elapsed_s", var_name="outcome", value_name="rate")


def _near(over_time: Timeline) -> pd.DataFrame:
    """Give the moments within the run or near it: elapsed_s."""
    first, last = over_time.slices[0].at_ns, over_time.slices[-1].at_ns
    # A mark may name any time, and must not stretch the axis.
    near = [
        (moment.at_ns - first) / 1e9
        for moment in over_time.moments
        if first - _MARGIN_NS <= moment.at_ns <= last + _MARGIN_NS
    ]
    return pd.DataFrame({"elapsed_s": near}, dtype=float)


def classes(by_event_type: Mapping[str, Counts]) -> Markup | None:
    """Draw how many events of each type have come to each class but the one they all should."""
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
    """Draw something that nobody sees: the first picture takes as long as ten more."""
    frame = pd.DataFrame({"elapsed_s": [0.0], "line": ["p50"], "value": [1.0]})
    svg(_lines(frame, {"p50": _PERCENTILES["p50"]}, "ms"), 100)


def svg(chart: Any, height: int | alt.Step) -> Markup:
    """Draw a chart for each width of a page, in the page's own colours."""
    drawn = (
        f'<div class="{name}">{_svg(chart.properties(width=width, height=height))}</div>'
        for name, width in WIDTHS.items()
    )
    # vl-convert escapes every text that it draws.
    return Markup("".join(drawn))  # noqa: S704


def _label(text: str) -> str:
    """Make a text drawable: on others vl-convert ends the process, or takes minutes."""
    whole = as_xml(text)
    return whole if len(whole) <= MAX_LETTERS else f"{whole[: MAX_LETTERS - 1]}…"


def _svg(chart: Any) -> str:
    styled = (
        chart.properties(autosize=alt.AutoSizeParams(type="fit-x", contains="padding"))
        .configure(background="transparent", padding=_PADDING, font=_FONT)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=_INK,
            titleColor=_INK,
            domainColor=_INK,
            tickColor=_INK,
            gridColor=_INK,
            gridOpacity=0.15,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
        )
        .configure_legend(
            labelColor=_INK,
            titleColor=_INK,
            orient="top",
            columns=4,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            titleOrient="left",
            columnPadding=16,
        )
    )
    # Looking whether it is one takes longer than drawing it.
    specification: dict[str, Any] = styled.to_dict(validate=False)
    for rows in specification["datasets"].values():
        for row in rows:
            row.update({name: _label(text) for name, text in row.items() if type(text) is str})
    drawn: str = vl_convert.vegalite_to_svg(specification, allowed_base_urls=[])
    scaled = re.sub(r'(<svg [^>]*?)\swidth="[^"]*"\sheight="[^"]*"', r"\1", drawn, count=1)
    # The figure that it stands in has its text; what is in it would be read out letter by letter.
    return scaled.replace("<svg ", '<svg aria-hidden="true" ', 1)
