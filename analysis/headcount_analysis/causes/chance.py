"""Chance: upper bounds on how likely a pattern is if exceptions are drawn from the run at random.

A bound is never below the exact probability, so a pattern that it calls unlikely is unlikely. The
base is Hoeffding's inequality (Probability inequalities for sums of bounded random variables, 1963,
theorems 1 and 4), which also holds for draws without replacement. Bounds are natural logarithms,
because many are too small for a float.

Pure.
"""

import math

CERTAIN = 0.0
UNLIKELY = math.log(0.001)
"""A pattern that is more likely than this by chance is not reported."""


def of_sharing(sharing: int, drawn: int, share: float) -> float:
    """Bound the probability that `sharing` or more of `drawn` have a value.

    `share` is the part of the run that has the value. If no larger part of `drawn` has it, the
    bound is CERTAIN.
    """
    part = sharing / drawn
    if part <= share:
        return CERTAIN
    if share <= 0:
        return -math.inf
    divergence = part * math.log(part / share)
    if part < 1:
        divergence += (1 - part) * math.log((1 - part) / (1 - share))
    return -drawn * divergence


def of_closeness(close: int, drawn: int, share: float) -> float:
    """Bound the probability that any `close` of `drawn` lie within a span of the run.

    `share` is the part of the run that lies in the span. Each of the exceptions may be the first in
    the span, and `close` - 1 others must then follow in it.
    """
    if close < 2 or drawn < 2:  # noqa: PLR2004 - a single one always lies in a span
        return CERTAIN
    return min(CERTAIN, math.log(drawn) + of_sharing(close - 1, drawn - 1, share))


def of_succession(length: int, drawn: int, places: int) -> float:
    """Bound the probability that any `length` places in a row, of all `places`, are drawn."""
    if drawn >= places:
        return CERTAIN
    return min(CERTAIN, math.log(places) + length * math.log(drawn / places))
