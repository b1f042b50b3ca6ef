"""Performance targets: a figure, its limit, and the reason for missing it."""

from dataclasses import dataclass

from bench.harness.figures import MedianRange


@dataclass(frozen=True, slots=True)
class PerformanceTarget:
    """A figure and its limit: an upper limit if `at_most`, else a lower one.

    `held_by` names the known reason why the figure misses its limit.
    """

    what: str
    limit: float
    figure: MedianRange
    at_most: bool = False
    unit: str = ""
    held_by: str = ""

    @property
    def margin(self) -> float:
        """The distance of the median from the limit; negative if the target is missed."""
        difference = self.figure.median - self.limit
        return -difference if self.at_most else difference

    @property
    def is_met(self) -> bool:
        """Whether the median is within the limit."""
        return self.margin >= 0

    @property
    def wanted(self) -> str:
        """The limit as text."""
        return f"{'at most' if self.at_most else 'at least'} {self._format(self.limit)}"

    @property
    def measured(self) -> str:
        """The figure as text, with its range."""
        return self.figure.show(_form(self.limit)) + self.unit

    @property
    def verdict(self) -> str:
        """`met`, or by how much the target is missed."""
        return "met" if self.is_met else f"missed by {self._format(-self.margin)}"

    def _format(self, value: float) -> str:
        return f"{value:{_form(self.limit)}}{self.unit}"


def _form(limit: float) -> str:
    """The number format: two decimals for ratios, none for large numbers."""
    return ",.0f" if limit >= 100 else ".1f" if limit >= 10 else ".2f"  # noqa: PLR2004
