"""Line charts: what they show, independent of how it is drawn. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from headcount_analysis.report.html.scales import Scale, Tick, rarity_ticks, time_ticks, value_scale
from headcount_analysis.report.xml_text import as_xml

MAX_LETTERS = 80
"""Longer names are truncated in charts; tables show them in full."""


class AxisKind(StrEnum):
    """What the horizontal axis shows: the time of day, the time from the start, or percentiles."""

    TIME = "time"
    ELAPSED = "elapsed"
    RARITY = "rarity"


class MarkKind(StrEnum):
    """How values are drawn: as lines, as steps, or as stacked bars."""

    LINE = "line"
    STEP = "step"
    BARS = "bars"


@dataclass(frozen=True, slots=True)
class Axis:
    """The horizontal axis: seconds from the start, or powers of ten of the rarity.

    `first_ns` is the Unix time at 0, for an axis of the time of day.
    """

    kind: AxisKind
    low: float
    high: float
    first_ns: int = 0

    @property
    def scale(self) -> Scale:
        """Where the axis begins and ends."""
        return Scale(self.low, self.high)

    def ticks(self, most: int) -> tuple[Tick, ...]:
        """Choose ticks; on an axis of time, there are no more than `most`."""
        if self.kind is AxisKind.RARITY:
            return rarity_ticks(self.high)
        first_ns = self.first_ns if self.kind is AxisKind.TIME else None
        return time_ticks(self.low, self.high, most, first_ns)


@dataclass(frozen=True, slots=True)
class ChartLine:
    """A line: its name, the name of its colour's variable, and its values; None is a gap.

    Several lines may have the same name; the legend then has it once.
    """

    name: str
    colour: str
    xs: Sequence[float]
    ys: Sequence[float | None]
    dashes: str = ""
    stroke: float = 2.0


@dataclass(frozen=True, slots=True)
class LineChart:
    """A chart of lines over one axis; all bars of a chart have the same places.

    `width` is that of a bar or a slice on the axis. `rules` are vertical lines, each with a text;
    `limit` is a horizontal line. `scale` is the vertical scale, None for one that fits the values.
    `link` is the section that lists what a bar counts, by time.
    """

    axis: Axis
    lines: tuple[ChartLine, ...]
    unit: str
    height: int = 200
    mark: MarkKind = MarkKind.LINE
    width: float = 0.0
    rules: tuple[tuple[float, str], ...] = ()
    limit: float | None = None
    scale: Scale | None = None
    link: str = ""

    @property
    def value_scale(self) -> Scale:
        """The vertical scale: the given one, or one that fits the values."""
        if self.scale is not None:
            return self.scale
        least_top = 0.0 if self.limit is None else self.limit
        return value_scale(self._values(), self.unit, least_top)

    @property
    def names(self) -> tuple[str, ...]:
        """The entries of the legend."""
        return tuple(dict.fromkeys(line.name for line in self.lines))

    def _values(self) -> Iterator[float]:
        if self.mark is MarkKind.BARS:
            stacks = zip(*(line.ys for line in self.lines), strict=True)
            yield from (sum(y or 0.0 for y in stack) for stack in stacks)
            return
        for line in self.lines:
            yield from (y for y in line.ys if y is not None)


def label(text: str) -> str:
    """Make a text safe to draw: replace what XML does not allow, and truncate long texts."""
    valid = as_xml(text[: MAX_LETTERS + 1])
    return valid if len(valid) <= MAX_LETTERS else f"{valid[: MAX_LETTERS - 1]}…"
