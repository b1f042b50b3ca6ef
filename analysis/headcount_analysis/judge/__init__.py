"""The judge: composes checks from the evidence, and concludes pass, fail or inconclusive from them.

A verdict is a list of checks (see `headcount/run/verdict.py`), and a pass must be earned. What each
class needs as proof: a duplicate nothing but itself, for both copies were read. A ghost, a phantom
and a corruption a ledger without damage, for it says what was asked for. A loss and a difference of
state both that and the whole of the topic's range. So a fail stands beside missing evidence when it
does not depend on it; the reasons then name both.

To add a doubt: write a function `(evidence, limits) -> Iterator[Check]` in a module of its own, and
list it in `SUBJECTS` of `subjects.py`, once. There it also says which classes it keeps from being
proven, if any. A check that is `UNPROVEN` makes the run inconclusive, one that is `NOT_TRIED` does
not. `checks.py` has what most modules need: `doubts_or_kept`. To add a note, list a function
`evidence -> Iterator[str]` in `NOTES` of `notes.py`.
"""

from headcount_analysis.judge.limits import DEFAULT_LATE_AFTER_MS, Limits
from headcount_analysis.judge.reading import other_topic
from headcount_analysis.judge.settling import watched
from headcount_analysis.judge.verdict import Judgement, crashed, judge

__all__ = [
    "DEFAULT_LATE_AFTER_MS",
    "Judgement",
    "Limits",
    "crashed",
    "judge",
    "other_topic",
    "watched",
]
