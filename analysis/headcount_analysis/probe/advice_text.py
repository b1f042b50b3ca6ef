"""The advice of a probe: the command to use, or what to check."""

import itertools
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from headcount.noun_counts import number
from headcount.run.probe_ids import USUAL
from headcount.run.request_outcome import redirect_remedy
from headcount_analysis.probe.findings import ProbeFindings
from headcount_analysis.probe.fit import OptionsFit

_MOST_LISTED = 5
_WIDTH = 96


@dataclass(frozen=True, slots=True)
class KnownArguments:
    """The arguments of `headcount run` that are known without the probe.

    `before` and `after` are those to put before and after the options that the probe finds.
    """

    before: tuple[str, ...]
    after: tuple[str, ...] = ()


def advice(findings: ProbeFindings, known: KnownArguments, settle_s: float) -> Iterator[str]:
    """Yield the lines of the advice."""
    best = findings.best
    if best is None or not findings.acked:
        yield from _checks(findings, settle_s)
    elif not findings.is_complete:
        yield from _incomplete(findings, best, settle_s)
    if best is None:
        return
    if best.content.differing:
        yield (
            "Make event= match what the service publishes: a run reports any difference as "
            "corrupted."
        )
    yield "Use:" if findings.is_complete else "The options that fit best:"
    options = (part for pair in best.options for part in pair)
    yield _wrapped([*known.before, *options, *known.after])


def _incomplete(findings: ProbeFindings, best: OptionsFit, settle_s: float) -> Iterator[str]:
    missing = findings.acked - best.messages.keys()
    types = sorted({request.event_type for request in findings.requests if request.seq in missing})
    yield (
        f"For {number(len(missing), 'acknowledged request')} ({', '.join(types)}), no message in "
        f"the topic {best.topic} had the id {best.ids.location.phrase} within {settle_s:g} s."
    )
    others = [
        topic.fit
        for topic in findings.topics
        if topic.fit is not None and topic.fit is not best and missing & topic.fit.messages.keys()
    ]
    for fit in others[:_MOST_LISTED]:
        count = len(missing & fit.messages.keys())
        options = " ".join(shlex.quote(part) for pair in fit.options for part in pair)
        yield f"  {count} of them: {options}"
    if others:
        yield (
            "A run reads only one topic: run once per topic, and select the tasks of its events "
            "with --mix."
        )
    else:
        yield "If the service publishes later, raise --settle for both the probe and the run."


def _checks(findings: ProbeFindings, settle_s: float) -> Iterator[str]:
    """Say what to check if no options fit, or no request was acknowledged."""
    if not findings.requests:
        yield "No request passed an event: add event= to a request in a task."
    elif not findings.acked:
        yield (
            "No request was acknowledged: check --host, the path and the body, and whether the "
            f"service refuses a header with an id ({', '.join(USUAL)}). If it accepts only UUIDs "
            "as ids, add --id-form uuid; if it acknowledges in another way, describe that with "
            "--outcome."
        )
        statuses = sorted({request.status or 0 for request in findings.requests})
        for remedy in filter(None, map(redirect_remedy, statuses)):
            yield f"{remedy[0].upper()}{remedy[1:]}."
    elif any(topic.sample.own for topic in findings.topics):
        yield "The ids arrive, but at a place where no option can read them."
    else:
        yield from _nothing_arrived(findings, settle_s)


def _nothing_arrived(findings: ProbeFindings, settle_s: float) -> Iterator[str]:
    yield f"{settle_s:g} s after the last response, no message has the id of any of these requests."
    grown = [topic.sample for topic in findings.topics if topic.sample.grown]
    for sample in grown[:_MOST_LISTED]:
        seen = "" if sample.searched >= sample.grown else f", {sample.searched} searched"
        yield f"  topic {sample.topic}: {number(sample.grown, 'other message')}{seen}"
    for topic in findings.topics:
        if topic.alike:
            yield (
                f"  {topic.alike} of them in {topic.sample.topic} have the content of a request, "
                "but no id"
            )
    if grown:
        yield (
            f"Make the service copy one of the request headers {', '.join(USUAL)} into its "
            "message; or name with --id-header the header that it already copies; or write "
            "EVENT_ID into the request's body."
        )
        return
    yield (
        "No message arrived in any topic: check whether the service publishes to these brokers "
        "(--bootstrap-servers) and to a topic that this user is allowed to see (--topic), or "
        "publishes later (--settle)."
    )


def _wrapped(arguments: Sequence[str]) -> str:
    """Format a command, over several lines if it is long; it can be copied either way."""
    lines = ["  "]
    for part in _parts(arguments):
        if len(lines[-1]) + len(part) > _WIDTH and lines[-1].strip():
            lines.append("      ")
        lines[-1] += part if lines[-1].endswith("  ") else f" {part}"
    return " \\\n".join(lines)


def _parts(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the parts of a command that stay on one line: an option with its value."""
    words = list(map(shlex.quote, arguments))
    starts = [place for place, word in enumerate(words) if place == 0 or word.startswith("-")]
    for start, end in itertools.pairwise([*starts, len(words)]):
        yield " ".join(words[start:end])
