"""Steps of one id: when its request was due, sent and answered, and where its event arrived.

Pure.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from headcount.run.request_outcome import Outcome
from headcount_analysis.classes_and_flags import Fate
from headcount_analysis.reconciliation.reach import UNASKED, UNWRITTEN

LONGEST_STEP = 400
"""Longer texts are truncated: texts from outside may be of any length."""

_CLOCK = slice(11, 23)
_FLAG_TEXTS = {
    "misplaced": "not where it was acknowledged",
    "reordered": "after the event of a later request with its key",
    "late": "later than the limit",
}
_NOT_ACKED = {
    Outcome.FAILED: "no, the request failed",
    Outcome.INDETERMINATE: "no, the outcome is unknown",
}


@dataclass(frozen=True, slots=True)
class ExceptionStep:
    """A step: its name, what happened, and whether that is what is wrong."""

    name: str
    text: str
    is_wrong: bool = False


def steps_of(row: Mapping[str, object]) -> tuple[ExceptionStep, ...]:
    """Return the steps of a row of exceptions.csv, in which an empty text stands for no value."""
    return tuple(
        step if len(step.text) <= LONGEST_STEP else _truncated(step) for step in _steps(row)
    )


def clock(iso_time: object) -> str:
    """Return the time of day of an ISO time, to the millisecond; empty if there is none."""
    return str(iso_time)[_CLOCK]


def status_text(answer: str) -> str:
    """Name an HTTP status, such as `503 Service Unavailable`; any other text stays."""
    try:
        return f"{answer} {HTTPStatus(int(answer)).phrase}"
    except ValueError:
        return answer


def flag_texts(flags: Iterable[str]) -> list[str]:
    """Describe the flags that say what is wrong with an event's place or time; omit the others."""
    return [_FLAG_TEXTS[flag] for flag in flags if flag in _FLAG_TEXTS]


def _truncated(step: ExceptionStep) -> ExceptionStep:
    return ExceptionStep(step.name, f"{step.text[:LONGEST_STEP]}…", step.is_wrong)


def _steps(row: Mapping[str, object]) -> Iterator[ExceptionStep]:
    if row["class"] == Fate.PHANTOM:
        yield ExceptionStep("request", UNASKED, is_wrong=True)
    else:
        yield from _request(row)
        yield _acknowledged(row)
    yield _in_topic(row)
    yield from _differences(row)


def _request(row: Mapping[str, object]) -> Iterator[ExceptionStep]:
    if not row["sent_at_ns"]:
        yield ExceptionStep("request", UNWRITTEN)
        return
    yield ExceptionStep("due", clock(row["intended_at"]))
    yield ExceptionStep("sent", _later(row, "sent_at", "intended_at"))
    by = f" by process {row['server']}" if row["server"] else ""
    if row["answered_at_ns"]:
        status = status_text(str(row["http_status"]))
        yield ExceptionStep("answered", f"{_later(row, 'answered_at', 'sent_at')}, {status}{by}")
    else:
        yield ExceptionStep(
            "answered", f"no: {row['error']}" if row["error"] else "no", is_wrong=True
        )


def _later(row: Mapping[str, object], name: str, before: str) -> str:
    """Return a step's time of day, and how many ms that is after the step before."""
    later_ms = (int(str(row[f"{name}_ns"])) - int(str(row[f"{before}_ns"]))) / 1e6
    return f"{clock(row[name])} ({later_ms:+,.1f} ms)"


def _acknowledged(row: Mapping[str, object]) -> ExceptionStep:
    not_acked = _NOT_ACKED.get(row["outcome"])  # type: ignore[call-overload]
    if not_acked is not None:
        return ExceptionStep("acknowledged", not_acked)
    if row["acked_offset"] == "":
        return ExceptionStep("acknowledged", "yes, the response names no offset")
    return ExceptionStep("acknowledged at", place(row, "acked"))


def place(row: Mapping[str, object], prefix: str = "") -> str:
    """Return `partition@offset`; empty if it is unknown."""
    names = (f"{prefix}_partition", f"{prefix}_offset") if prefix else ("partition", "offset")
    partition, offset = (row[name] for name in names)
    return "" if offset == "" else f"{partition}@{offset}"


def _in_topic(row: Mapping[str, object]) -> ExceptionStep:
    if row["offset"] == "":
        return ExceptionStep("in topic", "not found", is_wrong=row["class"] == Fate.LOST)
    copies = int(str(row["copies"] or 1))
    times = f"{copies:,} times, first " if copies > 1 else ""
    at = f", {clock(row['broker_at'])}" if row["broker_at"] else ""
    wrong = flag_texts(str(row["flags"]).split())
    text = f"{times}at {place(row)}{at}{''.join(f', {text_of_flag}' for text_of_flag in wrong)}"
    is_wrong = bool(wrong) or row["class"] in {Fate.DUPLICATED, Fate.GHOST}
    return ExceptionStep("in topic", text, is_wrong)


def _differences(row: Mapping[str, object]) -> Iterator[ExceptionStep]:
    if "corrupted" not in str(row["flags"]):
        return
    at = place(row, "corrupted")
    where = f"at {at}: " if at and at != place(row) else ""
    fields = row["differences"] or row["differing_fields"] or "the differing fields are unknown"
    yield ExceptionStep("differs", f"{where}{fields}", is_wrong=True)
