"""Charts of the generators' health: CPU load and timer lag over time."""

from collections.abc import Callable, Iterator, Sequence

from headcount.ledger.generator_health import Sample
from headcount.palette import event_type_name
from headcount_analysis.measure.generator_health import BUSY_PERCENT, LATE_MS, GeneratorHealth
from headcount_analysis.measure.over_time import OverTime
from headcount_analysis.report.html.figure import Figure
from headcount_analysis.report.html.line_chart import ChartLine, LineChart
from headcount_analysis.report.html.load_charts import time_axis
from headcount_analysis.report.html.svg import drawn

_MOST_GENERATORS = 8


def health_figures(generators: Sequence[GeneratorHealth], course: OverTime) -> Iterator[Figure]:
    """Yield the charts of the busiest generators."""
    known = [generator for generator in generators if generator.is_known]
    if not known or not course.slices:
        return
    by_load = sorted(known, key=lambda generator: -(generator.cpu_percent_max or 0))
    busiest = sorted(by_load[:_MOST_GENERATORS], key=lambda generator: generator.generator)
    some = "" if len(busiest) == len(known) else f"The {len(busiest)} busiest generators. "
    for title, unit, value, limit in (
        ("CPU per generator", "% of a core", _cpu_percent, BUSY_PERCENT),
        ("Longest timer lag", "ms", _lag_ms, LATE_MS),
    ):
        chart = LineChart(
            time_axis(course),
            tuple(_line(generator, course.first_ns, value) for generator in busiest),
            unit,
            110,
            limit=limit,
        )
        text = f"{some}The dashed line is where a generator counts as too busy."
        yield Figure(title, drawn(chart), text)


def _line(generator: GeneratorHealth, first_ns: int, value: Callable[[Sample], float]) -> ChartLine:
    return ChartLine(
        f"generator {generator.generator}",
        event_type_name(generator.generator),
        [(sample.at_ns - first_ns) / 1e9 for sample in generator.samples],
        [value(sample) for sample in generator.samples],
    )


def _cpu_percent(sample: Sample) -> float:
    return sample.cpu_percent


def _lag_ms(sample: Sample) -> float:
    return sample.schedule_lag_ms
