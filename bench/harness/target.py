"""Performance targets: a figure, its limit, and the reason for missing it."""

from dataclasses import dataclass

from bench.harness.figures import MedianRange

_MOST_DECIMALS = 9


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
        return self.figure.show(self._form) + self.unit

    @property
    def verdict(self) -> str:
        """`met`, or by how much the target is missed."""
        return "met" if self.is_met else f"missed by {self._format(-self.margin)}"

    def _format(self, value: float) -> str:
        return f"{value:{self._form}}{self.unit}"

    @property
    def _form(self) -> str:
        """A number format with enough decimals to show that a missed limit is missed."""
        fewest = _decimals(self.limit)
        forms = [f",.{decimals}f" for decimals in range(fewest, _MOST_DECIMALS + 1)]
        if self.is_met:
            return forms[0]
        differing = (
            form for form in forms if f"{self.figure.median:{form}}" != f"{self.limit:{form}}"
        )
        return next(differing, forms[-1])


def _decimals(limit: float) -> int:
    """Two decimals for ratios, none for large numbers."""
    return 0 if limit >= 100 else 1 if limit >= 10 else 2  # noqa: PLR2004
