"""The charts: any name and any clock can be drawn, and what is drawn can be believed."""

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from headcount_analysis.classes_and_flags import Counts
from headcount_analysis.measure.generator_health import GeneratorHealth
from headcount_analysis.measure.histogram import Measure
from headcount_analysis.measure.latency import Latency
from headcount_analysis.measure.latency_over_time import LatencySlice, Percentiles
from headcount_analysis.measure.over_time import LoadSlice, OverTime
from headcount_analysis.measure.timeline import EventOrigin, TimelineEvent
from headcount_analysis.report.html.class_charts import class_figure
from headcount_analysis.report.html.figure import Figure
from headcount_analysis.report.html.latency_charts import distinct_measures, latency_figures
from headcount_analysis.report.html.line_chart import (
    MAX_LETTERS,
    Axis,
    AxisKind,
    ChartLine,
    LineChart,
    MarkKind,
)
from headcount_analysis.report.html.load_charts import load_figures, users_at
from headcount_analysis.report.html.svg import drawn

from headcount.ledger.event_types import TOTAL
from headcount.ledger.generator_health import Sample
from headcount.palette import colours

START_NS = 1_700_000_000_000_000_000
"""22:13:20 UTC"""
AXIS = Axis(AxisKind.TIME, 0.0, 60.0, START_NS)
HOSTILE = "</script><script>alert(1)</script>"


def course(*slices: LoadSlice, width_s: float = 1.0) -> OverTime:
    """Create a course from the slices that have something, and empty ones between them."""
    by_place = {round(time_slice.elapsed_s / width_s): time_slice for time_slice in slices}
    places = range(min(by_place), max(by_place) + 1)
    every = tuple(by_place.get(at, LoadSlice(at * width_s)) for at in places)
    return OverTime(width_s, START_NS, every)


def data_of(markup: str) -> dict[str, Any]:
    """Return the data that the page's script gets."""
    (data,) = re.findall(r'<script type="application/json">(.*?)</script>', markup)
    decoded: dict[str, Any] = json.loads(data)
    return decoded


def by_title(figures: Iterator[Figure]) -> dict[str, dict[str, Any]]:
    """Return the data of each figure."""
    return {figure.title: data_of(figure.svg) for figure in figures}


def values(data: dict[str, Any], name: str) -> list[float | None]:
    """Return the values of a line."""
    (line,) = [
        chart_line for chart_line in data["lines"] if data["names"][chart_line["name"]] == name
    ]
    if "at" not in line:
        return list(line["y"])
    others = dict(zip(line["at"], line["y"], strict=True))
    return [others.get(index, 0) for index in range(line["count"])]


def drawings(markup: str) -> list[ET.Element]:
    """Parse the versions of a chart, which must be valid XML."""
    parts = re.findall(r"<svg viewBox=[^>]*data-plot.*?</svg></svg>", markup)
    return [ET.fromstring(part) for part in parts]  # noqa: S314 - our own


def chart_of(*lines: ChartLine, mark: MarkKind = MarkKind.LINE, axis: Axis = AXIS) -> LineChart:
    """Create a chart."""
    return LineChart(axis, lines, "per second", mark=mark, width=1.0)


@pytest.mark.parametrize("character", ["\0", "\x1b", "\ufffe"])
def test_characters_that_xml_does_not_allow_are_drawn(character: str) -> None:
    """They are replaced in every chart."""
    name = f"a{character}b"
    figure = class_figure({name: Counts(attempted=1, acked=1, lost=1)})
    assert figure is not None
    chart = drawn(chart_of(ChartLine(name, "type-1", [0.0], [1.0])))
    assert "a\ufffdb" in figure.svg
    assert "a\ufffdb" in chart
    assert data_of(chart)["names"] == ["a\ufffdb"]


def test_names_cannot_leave_their_place() -> None:
    """Neither the legend nor the data of the script can be ended by a name."""
    figure = class_figure({HOSTILE: Counts(attempted=1, acked=1, lost=1)})
    assert figure is not None
    chart = drawn(
        replace(chart_of(ChartLine(HOSTILE, "type-1", [0.0], [1.0])), rules=((3.0, HOSTILE),))
    )
    assert "<script>alert" not in figure.svg + chart
    assert data_of(chart)["names"] == [HOSTILE]


def test_a_long_name_is_truncated() -> None:
    """A name of any length is drawn; tables show it in full."""
    name = "x" * 100_000
    chart = drawn(chart_of(ChartLine(name, "type-1", [0.0], [1.0])))
    assert len(chart) < len(name)
    assert "x" * (MAX_LETTERS // 2) in chart


@pytest.mark.parametrize("kind", [AxisKind.TIME, AxisKind.ELAPSED])
@pytest.mark.parametrize("length_s", [20, 60, 75, 150, 600, 1_800, 5_400, 90_000])
def test_labels_are_within_the_chart_and_do_not_overlap(kind: AxisKind, length_s: int) -> None:
    """On wide and on narrow pages; each version is valid."""
    axis = Axis(kind, 0.0, float(length_s), START_NS + 400_000_000)
    line = ChartLine("started", "started", [0.0, float(length_s)], [0.0, 9e5])
    versions = drawings(drawn(chart_of(line, axis=axis)))
    assert len(versions) == 2
    for svg in versions:
        width, height = map(float, svg.attrib["viewBox"].split()[2:])
        for text in svg.iter("text"):
            x, size = float(text.attrib["x"]), 6.8 * len(text.text or "")
            anchor = 0 if x == 0 else 1 if text.attrib.get("class") == "y" else 0.5
            assert 0 <= x - anchor * size <= x + (1 - anchor) * size <= width
            assert 0 <= float(text.attrib["y"]) <= height
        ticks = svg.findall("./g/text")
        for row in {float(text.attrib["y"]) for text in ticks}:
            in_row = [
                text for text in ticks if float(text.attrib["y"]) == row and text.text != "UTC"
            ]
            assert in_row
            for one, later in itertools.pairwise(in_row):
                apart = float(later.attrib["x"]) - float(one.attrib["x"])
                assert apart >= 3.4 * (len(one.text or "") + len(later.text or "")) + 4


def test_the_axis_has_the_time_of_day_and_the_time_from_the_start() -> None:
    """In UTC, at whole seconds of the clock."""
    (wide, _) = drawings(drawn(chart_of(ChartLine("started", "started", [0.0, 59.0], [1.0, 2.0]))))
    texts = [text.text for text in wide.findall("./g/text")]
    assert texts[:5] == ["UTC", "22:13:20", "+0 s", "22:13:30", "+10 s"]


def test_long_lines_are_thinned_but_keep_their_extremes() -> None:
    """A single spike among many values is drawn, and the script still gets every value."""
    count = 5_000
    ys = [10.0] * count
    ys[1_234] = 900.0
    axis = Axis(AxisKind.TIME, 0.0, float(count), START_NS)
    chart = drawn(
        chart_of(ChartLine("started", "started", [*map(float, range(count))], ys), axis=axis)
    )
    for svg in drawings(chart):
        path = svg.find("./svg/path[@class='line']")
        assert path is not None
        steps = re.findall(r"l([\d.-]+) ([\d.-]+)", path.attrib["d"])
        assert len(steps) < 500
        assert min(float(down) for _, down in steps) < -150
    assert len(data_of(chart)["lines"][0]["y"]) == count


def test_a_gap_is_not_bridged_and_a_point_of_its_own_is_a_dot() -> None:
    """A line over a gap would claim values that nobody measured."""
    line = ChartLine("p99", "p99", [0.0, 1.0, 2.0, 3.0, 4.0], [1.0, None, 2.0, None, 3.0])
    for svg in drawings(drawn(chart_of(line))):
        path = svg.find("./svg/path[@class='line']")
        assert path is not None
        assert re.fullmatch(r"(M[\d.]+ [\d.]+h0){3}", path.attrib["d"])


def test_bars_are_stacked_and_a_single_one_is_seen() -> None:
    """One loss in an hour is at least a pixel wide and high, also beside a thousand others."""
    xs = [float(at) for at in range(3_600)]
    lost = [1000.0 if at == 0 else float(at == 2_000) for at in range(3_600)]
    ghost = [float(at == 0) for at in range(3_600)]
    axis = Axis(AxisKind.TIME, 0.0, 3_600.0, START_NS)
    lines = (ChartLine("lost", "lost", xs, lost), ChartLine("ghost", "ghost", xs, ghost))
    for svg in drawings(drawn(chart_of(*lines, mark=MarkKind.BARS, axis=axis))):
        lost_bars, ghost_bars = svg.findall("./svg/path[@class='bar']")
        sizes = re.findall(r"M[\d.]+ ([\d.]+)v-([\d.]+)h([\d.]+)v", lost_bars.attrib["d"])
        assert len(sizes) == 2
        assert all(float(tall) >= 1 and float(wide) >= 1 for _, tall, wide in sizes)
        (above,) = re.findall(r"M[\d.]+ ([\d.]+)v", ghost_bars.attrib["d"])
        assert float(above) == pytest.approx(float(sizes[0][0]) - float(sizes[0][1]), abs=0.2)


def test_losses_have_a_panel_of_their_own() -> None:
    """With the counts of each second; without losses there is none."""
    harmed = course(
        *(LoadSlice(float(at), started=10, answered=10, ended=10) for at in range(10)),
        LoadSlice(10.0, started=5, ended=3, failed=2, lost=1, duplicated=2),
    )
    figures = by_title(load_figures(harmed, (), ()))
    assert values(figures["Exceptions over time"], "lost") == [0] * 10 + [1]
    assert figures["Exceptions over time"]["names"] == ["lost", "duplicated"]
    assert figures["Requests not acknowledged, over time"]["names"] == ["failed"]
    assert values(figures["In flight"], "in flight") == [0] * 10 + [2]
    intact = by_title(load_figures(course(LoadSlice(0.0, started=1, ended=1)), (), ()))
    assert set(intact) == {"Requests and events per second", "In flight"}
    assert not list(load_figures(OverTime(), (), ()))


def test_all_charts_over_time_have_the_same_axis() -> None:
    """So that what happened at one moment is in one place."""
    slices = [LoadSlice(float(at), started=1, ended=1, lost=1) for at in range(-2, 30)]
    latency = (LatencySlice(0.0, 10.0, 100, Percentiles(1.0, 2.0, 3.0, 4.0)),)
    slower = (replace(latency[0], percentiles=Percentiles(10.0, 20.0, 30.0, 40.0)),)
    both = {Measure.HTTP: latency, Measure.END_TO_END: slower}
    run = replace(course(*slices), latency=both)
    figures = [*load_figures(run, (), ()), *latency_figures(run, tuple(both), {})]
    assert len(figures) == 5
    assert {tuple(data_of(figure.svg)["x"]) for figure in figures} == {(-2, 30)}
    scales = {
        tuple(data_of(figure.svg)["y"]) for figure in figures if "ms" in data_of(figure.svg)["unit"]
    }
    assert len(scales) == 1


def test_a_mark_far_away_does_not_stretch_the_axis() -> None:
    """It can have any time; one near the run is drawn at its edge."""
    run = course(*(LoadSlice(float(at), started=1) for at in range(10)))
    moments = [
        TimelineEvent(START_NS + round(at * 1e9), text, EventOrigin.MARKED)
        for at, text in ((-3600.0, "long ago"), (4.5, "killed"), (12.0, "over"))
    ]
    data = by_title(load_figures(run, (), moments))["Requests and events per second"]
    assert data["x"] == [0, 10]
    assert data["rules"] == [[4.5, "killed"], [10, "over"]]


def test_the_last_percentiles_end_with_the_run() -> None:
    """The last slice may reach beyond it, but its point is within the axis."""
    slices = tuple(
        LatencySlice(float(at), 3.0, 100, Percentiles(1.0, 2.0, 3.0, 4.0)) for at in (0, 3)
    )
    run = replace(course(LoadSlice(0.0), LoadSlice(3.0)), latency={Measure.HTTP: slices})
    (data,) = by_title(latency_figures(run, (Measure.HTTP,), {})).values()
    assert data["x"] == [0, 4]
    assert {(line["from"], line["step"]) for line in data["lines"]} == {(1.5, 2.0)}


def test_percentiles_are_drawn_only_of_enough_values() -> None:
    """A p99 of 99 values would be their maximum; the maximum has no such need."""
    slices = tuple(
        LatencySlice(float(at), 1.0, count, Percentiles(1.0, 2.0, 3.0, 4.0))
        for at, count in enumerate((100, 99, 19, 1))
    )
    run = replace(course(LoadSlice(0.0), LoadSlice(3.0)), latency={Measure.HTTP: slices})
    (data,) = by_title(latency_figures(run, (Measure.HTTP,), {})).values()
    assert values(data, "p99") == [3, None, None, None]
    assert values(data, "p95") == [2, 2, None, None]
    assert values(data, "p50") == [1, 1, 1, None]
    assert values(data, "max") == [4, 4, 4, 4]
    few = replace(run, latency={Measure.HTTP: slices[1:]})
    (data,) = by_title(latency_figures(few, (Measure.HTTP,), {})).values()
    assert data["names"] == ["p50", "p95", "max"]


@pytest.mark.parametrize(("later_ms", "is_shown"), [(0.0, False), (0.1, False), (5.0, True)])
def test_from_intended_is_shown_where_it_differs(later_ms: float, *, is_shown: bool) -> None:
    """Without --rate it equals http, and a second chart of the same says nothing."""

    def latency(measure: Measure, plus_ms: float) -> Latency:
        percentiles = dict.fromkeys((0.5, 0.95, 0.99), 10.0 + plus_ms)
        return Latency(TOTAL, measure, 100, 0, 0, 1.0, 10.0, 20.0, percentiles)

    measures = distinct_measures(
        (
            latency(Measure.HTTP, 0.0),
            latency(Measure.FROM_INTENDED, later_ms),
            latency(Measure.END_TO_END, 0.0),
        )
    )
    assert (Measure.FROM_INTENDED in measures) is is_shown
    assert {Measure.HTTP, Measure.END_TO_END} <= set(measures)


def test_users_are_those_of_all_generators() -> None:
    """Each sample counts for the span that it ends; a generator that is gone has none."""
    samples = tuple(
        Sample(at * 10**9, 1.0, 1.0, 0, at, users=users) for at, users in ((1, 5), (2, 7))
    )
    known = (GeneratorHealth(0, samples), GeneratorHealth(1, samples[:1]))
    assert users_at(known, [500_000_000, 10**9, 1_500_000_000, 3 * 10**9]) == [10, 10, 7, 0]


def test_every_colour_is_in_the_palette() -> None:
    """A variable that is not declared would be drawn black."""
    run = course(
        *(
            LoadSlice(at, 1.0, 1, 1, failed=1, indeterminate=1, lost=1, corrupted=1)
            for at in (0.0, 1.0)
        ),
        LoadSlice(2.0, duplicated=1, ghost=1),
    )
    figure = class_figure({"a": Counts(lost=1, duplicated=1, ghost=1, phantom=1, absent=1)})
    assert figure is not None
    drawings_of_all = "".join(chart.svg for chart in load_figures(run, (), ())) + figure.svg
    used = set(re.findall(r"var\(--([\w-]+)\)", drawings_of_all))
    assert len(used) > 8
    assert used <= set(colours())


def test_bars_of_classes_have_a_common_scale_and_links() -> None:
    """The longest bar is that of the type with the most; each class links to its rows."""
    figure = class_figure({"a & b": Counts(lost=1, refused=1), "c": Counts(ghost=8), "d": Counts()})
    assert figure is not None
    assert re.findall(r"width:([\d.]+)%", figure.svg) == ["100.00", "12.50", "12.50"]
    assert 'href="#exceptions?class=lost&amp;type=a%20%26%20b"' in figure.svg
    assert "class=refused" not in figure.svg
    assert class_figure({"a": Counts(delivered=3)}) is None
