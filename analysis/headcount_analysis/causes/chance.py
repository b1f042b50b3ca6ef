"""Chance: upper bounds on how likely a pattern is if exceptions are drawn from the run at random.

A bound is never below the exact probability, so a pattern that it calls unlikely is unlikely. The
base is Hoeffding's inequality (Probability inequalities for sums of bounded random variables, 1963,
theorems 1 and 4), which also holds for draws without replacement.

Pure.
"""

import math


def of_sharing(sharing: int, drawn: int, share: float) -> float:
    """Bound the probability that `sharing` or more of `drawn` have a value.

    `share` is the part of the run that has it; the bound is 1 unless more have it than expected.
    """
    part = sharing / drawn
    if part <= share:
        return 1.0
    if share <= 0:
        return 0.0
    divergence = part * math.log(part / share)
    if part < 1:
        divergence += (1 - part) * math.log((1 - part) / (1 - share))
    return math.exp(-drawn * divergence)


def of_closeness(close: int, drawn: int, share: float) -> float:
    """Bound the probability that any `close` of `drawn` lie within a span of the run.

    `share` is the part of the run that lies in the span. Each of the exceptions may be the first in
    the span, and `close` - 1 others must then follow in it.
    """
    if close < 2 or drawn < 2:  # noqa: PLR2004 - one alone is in any span
        return 1.0
    return min(1.0, drawn * of_sharing(close - 1, drawn - 1, share))


def of_succession(length: int, drawn: int, places: int) -> float:
    """Bound the probability that any `length` consecutive ones of `places` are all drawn."""
    return min(1.0, places * (drawn / places) ** length)
