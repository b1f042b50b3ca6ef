"""The judge: turns the evidence into a list of checks, and the list into a verdict.

Every surface (terminal, report, JUnit, Markdown, web tab) prints that list (see
`headcount/run/verdict.py`). A pass must be earned, and so must a fail: a duplicate is its own
proof, because both copies were read. A ghost, a phantom or a corruption needs an undamaged ledger,
which says what was requested. A loss or a difference of state needs that and the whole range of the
topic. A proven fail therefore stands even if other evidence is missing; the reasons name both.

To add a check, write a function `(evidence, limits) -> Iterator[Check]` in a module of its own in
`checks/` and list it in `SUBJECTS` of `subjects.py`, with the classes that cannot be proven while
it fails. An `UNPROVEN` check makes the run inconclusive; a `NOT_TRIED` one does not.
`doubts_or_kept` in `doubts.py` builds most checks. To add a note, list a function
`evidence -> Iterator[str]` in `NOTES` of `notes.py`.
"""

from headcount_analysis.judge.checks.topic_read import other_topic
from headcount_analysis.judge.checks.topic_settled import watched
from headcount_analysis.judge.limits import Limits
from headcount_analysis.judge.verdict import Judgement, crashed, judge

__all__ = [
    "Judgement",
    "Limits",
    "crashed",
    "judge",
    "other_topic",
    "watched",
]
