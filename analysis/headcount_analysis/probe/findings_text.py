"""The text of a probe's findings: what was seen, and the command to use or what to check."""

from collections import Counter
from collections.abc import Iterator

from headcount.noun_counts import number
from headcount.run.message_format import RAW
from headcount_analysis.probe.advice_text import KnownArguments, advice
from headcount_analysis.probe.findings import ProbeFindings, TopicFinding
from headcount_analysis.probe.fit import OptionsFit

_NS_PER_MS = 1e6
_MOST_LISTED = 5


def text_of(findings: ProbeFindings, known: KnownArguments, settle_s: float) -> str:
    """Describe the findings, and the command to use or what to check."""
    lines = [_requests(findings), *_failures(findings), *_arrivals(findings)]
    for topic in findings.topics:
        if topic.sample.own:
            lines += ["", *_topic(topic, findings)]
    lines += ["", *advice(findings, known, settle_s)]
    return "\n".join(lines)


def _requests(findings: ProbeFindings) -> str:
    types = findings.acked_by_type
    kinds = f" of {len(types)} event types" if len(types) > 1 else ""
    return f"{number(len(findings.requests), 'request')}{kinds}: {len(findings.acked)} acknowledged"


def _failures(findings: ProbeFindings) -> Iterator[str]:
    """Describe responses and errors, event types without an acknowledgement, and problems."""
    kinds = Counter(
        str(request.status) if request.status is not None else str(request.error).partition(":")[0]
        for request in findings.requests
        if not request.is_acked
    )
    for kind, count in kinds.most_common(_MOST_LISTED):
        label = f"HTTP {kind}" if kind.isdecimal() else kind
        answer = findings.answers.get(kind, "")
        yield f"  {label}, {number(count, 'time')}{f': {answer}' if answer else ''}"
    for name, (total, acked) in findings.acked_by_type.items():
        if not acked:
            yield f"  event type {name}: none of {number(total, 'request')} was acknowledged"
    yield from (f"  {problem}" for problem in findings.problems)


def _arrivals(findings: ProbeFindings) -> Iterator[str]:
    best = findings.best
    if best is None:
        return
    messages = number(sum(map(len, best.messages.values())), "message")
    yield f"{messages} with their ids in the topic {best.topic}{_delays(best, findings)}"
    repeated = sum(len(records) > 1 for records in best.messages.values())
    if repeated:
        ids = number(repeated, "id")
        yield f"  {ids} in more than one message, which a run counts as duplicated"


def _delays(fit: OptionsFit, findings: ProbeFindings) -> str:
    sent_ms = {request.seq: request.sent_at_ns / _NS_PER_MS for request in findings.requests}
    delays_ms = [
        records[0].timestamp_ms - sent_ms[seq]
        for seq, records in fit.messages.items()
        if seq in sent_ms and records[0].timestamp_ms >= 0
    ]
    if not delays_ms:
        return ""
    if min(delays_ms) < -1:
        return ", with timestamps before the requests: the clocks differ"
    low_ms, high_ms = max(0, min(delays_ms)), max(0, *delays_ms)
    return f", after {low_ms:.0f} to {high_ms:.0f} ms"


def _topic(topic: TopicFinding, findings: ProbeFindings) -> Iterator[str]:
    """Describe where the ids and the events are in the messages of a topic."""
    sample, fit = topic.sample, topic.fit
    yield f"Topic {sample.topic}"
    if fit is None:
        place = "in a form that no option can read" if topic.place is None else topic.place.phrase
        yield f"  id        {place}"
        if topic.place is not None:
            yield f"  remedy    {topic.place.remedy}"
        return
    read, acked = len(findings.read_by(fit)), len(findings.acked)
    part = "" if read == acked else f"; found for {read} of {acked} acknowledged requests"
    header = f"{fit.ids.header}{' or EVENT_ID' if fit.is_first_header else ''}"
    yield f"  id        {fit.ids.location}, from {header} of the request{part}"
    yield f"  form      {fit.ids.form}"
    yield f"  format    {fit.message_format.name}"
    yield from _content(fit)
    yield from (f"  defect    {defect}" for defect in fit.defects[:_MOST_LISTED])


def _content(fit: OptionsFit) -> Iterator[str]:
    if fit.message_format.name == RAW:
        yield f"  compared  nothing, because --format {RAW} reads no content"
        if any(defect.startswith("framed") for defect in fit.defects):
            yield "  remedy    --schema-registry URL reads Avro, Protobuf and JSON Schema"
        return
    pointer = fit.message_format.compare_at
    at = f"at {pointer}; " if pointer else ""
    names = ", ".join(fit.content.equal)
    yield f"  compared  {at}{f'as requested: {names}' if names else 'no field matches the request'}"
    yield from (f"  differs   {phrase}" for phrase in fit.content.differing[:_MOST_LISTED])
    more = len(fit.content.differing) - _MOST_LISTED
    if more > 0:
        yield f"            and {number(more, 'more field')}"
