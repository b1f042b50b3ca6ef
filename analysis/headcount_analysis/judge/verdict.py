"""Judging: turns the evidence of one run into checks, and the checks into a label."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from headcount.run.verdict import Check, Label, Result, Verdict, against, label_of
from headcount_analysis.evidence import Evidence
from headcount_analysis.judge.checks import classes, problems, state, thresholds
from headcount_analysis.judge.limits import Limits
from headcount_analysis.judge.notes import NOTES, few_acknowledged, not_compared
from headcount_analysis.judge.subjects import SUBJECTS, Subject
from headcount_analysis.measure.threshold_results import ThresholdResult


@dataclass(frozen=True, slots=True)
class Judgement:
    """The checks of a run, and notes for its reader; the verdict follows from the checks alone.

    `first_notes` are the notes that a reader needs in order to read the rest correctly.
    """

    checks: tuple[Check, ...]
    notes: tuple[str, ...] = ()
    first_notes: tuple[str, ...] = ()

    @property
    def label(self) -> Label:
        """The label that follows from the checks."""
        return label_of(self.checks)

    @property
    def verdict(self) -> Verdict:
        """The verdict on delivery."""
        return self.label.verdict

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is not a pass, most important first."""
        return tuple(map(str, against(self.checks)))


def judge(
    evidence: Evidence,
    limits: Limits,
    judged: Iterable[ThresholdResult] = (),
    *,
    subjects: Sequence[Subject] = SUBJECTS,
) -> Judgement:
    """Judge a run by its evidence and the results of its thresholds."""
    of_subjects = [(subject, tuple(subject.checks(evidence, limits))) for subject in subjects]
    unproven = [subject for subject, checks in of_subjects if _is_unproven(checks)]

    def missing(key: str) -> str:
        return next((subject.because for subject in unproven if key in subject.unproves), "")

    unseen = next((subject.because for subject in unproven if subject.because), "")
    checks = (
        *classes.checks(evidence, limits, missing, unseen),
        *state.difference(evidence, limits, missing),
        *(check for _, checks in of_subjects for check in checks),
        *state.doubt(evidence),
        *thresholds.checks(judged),
    )
    notes = tuple(note for notes in NOTES for note in notes(evidence))
    first = (
        *few_acknowledged(evidence),
        *not_compared(evidence),
        *evidence.generators.notes,
    )
    return Judgement(checks, notes, first)


def crashed(reason: str, limits: Limits, judged: Iterable[ThresholdResult] = ()) -> Judgement:
    """Judge a run whose evidence could not be gathered."""
    problem = Check(problems.NAME, Result.UNPROVEN, reason)
    return Judgement((problem, *classes.uncounted(limits), *thresholds.checks(judged)))


def _is_unproven(checks: Iterable[Check]) -> bool:
    return any(check.result is Result.UNPROVEN for check in checks)
