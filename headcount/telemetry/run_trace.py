"""The run's trace: a span for the run, one for each of its steps, and some in requests' traces.

A request whose id is a trace-id (`--id-form trace`) has a trace of its own, which its service
makes. If something went wrong with its event, a span is added to that trace. This span stands for
the request as the generator sent it. So its id is the parent id that the service received in
`traceparent`. Pure.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from headcount.run.id_form import IdForm
from headcount.run.manifest import Manifest
from headcount.run.trace_context import SpanIds, span_id_of
from headcount.run.verdict import Label
from headcount.telemetry.run_points import RunJudgement
from headcount.telemetry.run_steps import RunStep

RUN = "headcount run"
MOST_OF_A_KIND = 100
"""The most requests with the same class and flags that get a span."""

_FAULTS = frozenset({"lost", "duplicated", "ghost", "corrupted", "reordered", "misplaced"})
"""The classes and flags that are always an error; others are allowed, or have a limit."""

_COUNTED = ("attempted", "acked", "lost", "duplicated", "ghost", "phantom", "corrupted")
_SPAN_BYTES, _TRACE_BYTES = 8, 16


@dataclass(frozen=True, slots=True)
class TraceSpan:
    """A span, in Unix time.

    `parent` is None for the root of a trace. `problem` says what went wrong, empty if nothing did.
    `is_request` says that it stands for a request, and `link` is a span in another trace.
    """

    name: str
    ids: SpanIds
    parent: SpanIds | None
    began_ns: int
    ended_ns: int
    attributes: Mapping[str, str | int] = field(default_factory=dict)
    problem: str = ""
    is_request: bool = False
    link: SpanIds | None = None


def run_spans(
    manifest: Manifest,
    steps: Sequence[RunStep],
    judgement: RunJudgement | None,
    span_ns: tuple[int, int],
    parent: SpanIds | None = None,
) -> tuple[TraceSpan, ...]:
    """Return the span of the run, and those of its steps.

    Args:
        manifest: The run.
        steps: What it did; empty if that is not known.
        judgement: Its verdict; None if it was not judged.
        span_ns: Its start and its end, which the steps may extend.
        parent: The span of the pipeline that has started the run.
    """
    root = run_context(manifest, parent)
    began_ns = min((span_ns[0], *(step.began_ns for step in steps)))
    ended_ns = max((span_ns[1], *(step.ended_ns for step in steps)))
    run = TraceSpan(
        *(RUN, root, parent, began_ns, ended_ns),
        attributes=_attributes(judgement),
        problem=_problem(judgement, steps),
    )
    return (
        run,
        *(
            TraceSpan(
                step.name,
                SpanIds(root.trace_id, _digest(manifest, f"step {number}", _SPAN_BYTES)),
                root,
                step.began_ns,
                step.ended_ns,
                {"headcount.step": step.title},
                "failed" if step.has_failed else "",
            )
            for number, step in enumerate(steps)
        ),
    )


def run_context(manifest: Manifest, parent: SpanIds | None = None) -> SpanIds:
    """Return the ids of the span of a run; every call returns the same ones."""
    trace_id = _digest(manifest, "trace", _TRACE_BYTES) if parent is None else parent.trace_id
    return SpanIds(trace_id, _digest(manifest, "run", _SPAN_BYTES))


def request_spans(
    manifest: Manifest, exceptions: Iterable[Mapping[str, str]], run: SpanIds
) -> Iterator[TraceSpan]:
    """Yield spans for rows of exceptions.csv, up to MOST_OF_A_KIND with the same class and flags.

    There are none unless ids are trace-ids. Each has a link to `run`, the span of the run.
    """
    if manifest.id_form is not IdForm.TRACE:
        return
    spans_of = Counter[str]()
    for row in exceptions:
        kind = " + ".join(filter(None, (row["class"], *row["flags"].split())))
        is_own = row["sent_at_ns"] and manifest.ids.parse(row["id"]) is not None
        if is_own and spans_of[kind] < MOST_OF_A_KIND:
            spans_of[kind] += 1
            yield _request_span(manifest, row, kind, run)


def _request_span(manifest: Manifest, row: Mapping[str, str], kind: str, run: SpanIds) -> TraceSpan:
    trace_id, sent_ns = row["id"].lower(), int(row["sent_at_ns"])
    named = {
        "headcount.class": row["class"],
        "headcount.flags": row["flags"],
        "headcount.where": row["where"],
        "headcount.event_type": row["event_type"],
        "headcount.outcome": row["outcome"],
        "headcount.error": row["error"],
        "headcount.run.id": manifest.run_id,
        "messaging.destination.name": manifest.topic,
    }
    status = row["http_status"]
    attributes: dict[str, str | int] = {name: text for name, text in named.items() if text}
    if status:
        attributes["http.response.status_code"] = int(status)
    is_fault = not _FAULTS.isdisjoint({row["class"], *row["flags"].split()})
    return TraceSpan(
        f"headcount: {kind}",
        SpanIds(trace_id, span_id_of(trace_id)),
        None,
        sent_ns,
        max(sent_ns, int(row["answered_at_ns"] or sent_ns)),
        attributes,
        f"{kind}: {row['where']}" if is_fault else "",
        is_request=True,
        link=run,
    )


def _attributes(judgement: RunJudgement | None) -> dict[str, str | int]:
    if judgement is None:
        return {}
    counts = judgement.verdict.counts or {}
    return {
        "headcount.verdict": judgement.verdict.label.words,
        "headcount.exit_code": judgement.exit_code,
        **{f"headcount.{name}": counts[name] for name in _COUNTED if name in counts},
    }


def _problem(judgement: RunJudgement | None, steps: Sequence[RunStep]) -> str:
    if judgement is None:
        return "the run was not judged" if steps else ""
    verdict = judgement.verdict
    return "" if verdict.label is Label.PASS else "; ".join(verdict.reasons) or verdict.meaning


def _digest(manifest: Manifest, what: str, size: int) -> str:
    """Derive an id from the run's own."""
    text = f"{manifest.run_id} {manifest.tag} {what}"
    return hashlib.blake2b(text.encode(), digest_size=size).hexdigest()
