"""The run's trace: its spans, their times, and which requests get one."""

from dataclasses import replace

import pytest

from headcount.run.id_form import IdForm
from headcount.run.ids import new_tag
from headcount.run.manifest import Manifest
from headcount.run.trace_context import SpanIds
from headcount.run.verdict import StoredVerdict, Verdict
from headcount.telemetry.run_points import RunJudgement
from headcount.telemetry.run_steps import RunStep, dump_steps, load_steps
from headcount.telemetry.run_trace import (
    MOST_OF_A_KIND,
    request_spans,
    run_context,
    run_spans,
)
from tests.headcount.telemetry.sample import VERDICT
from tests.manifests import MANIFEST

TRACED = replace(MANIFEST, id_form=IdForm.TRACE, id_header="traceparent", tag=new_tag())
RUN = SpanIds("1" * 32, "2" * 16)
STEPS = (RunStep("Load: 20 users", 5, 9), RunStep("Reconciling", 9, 30, has_failed=True))


def exception(event_id: str, name: str = "lost", flags: str = "") -> dict[str, str]:
    """Return a row of exceptions.csv, without the columns that are not read."""
    return {
        "id": event_id,
        "class": name,
        "flags": flags,
        "where": "acknowledged, not in topic",
        "event_type": "order",
        "outcome": "acked",
        "http_status": "201",
        "error": "",
        "sent_at_ns": "1700000000000000000",
        "answered_at_ns": "1700000000000000250",
    }


def test_steps_are_within_the_run() -> None:
    """The run is as long as its steps; each has a name without what differs between runs."""
    run, load, reconciling = run_spans(MANIFEST, STEPS, RunJudgement(VERDICT), (7, 20))
    assert (run.parent, run.began_ns, run.ended_ns) == (None, 5, 30)
    assert {step.parent for step in (load, reconciling)} == {run.ids}
    assert len({run.ids.span_id, load.ids.span_id, reconciling.ids.span_id}) == 3
    assert (load.name, load.attributes) == ("Load", {"headcount.step": "Load: 20 users"})
    assert (load.problem, reconciling.problem) == ("", "failed")
    assert run.ids == run_context(MANIFEST)
    assert run_context(replace(MANIFEST, tag="other")) != run.ids


def test_a_run_joins_the_trace_of_its_pipeline() -> None:
    """As a child of the span that has started it."""
    (run,) = run_spans(MANIFEST, (), None, (7, 20), RUN)
    assert (run.ids.trace_id, run.parent) == (RUN.trace_id, RUN)
    assert run.ids.span_id != RUN.span_id


def test_the_verdict_is_in_the_span_of_the_run() -> None:
    """With the counts; only a pass is no error."""
    (run,) = run_spans(MANIFEST, (), RunJudgement(replace(VERDICT, reasons=("2 lost",))), (7, 20))
    assert (run.attributes["headcount.verdict"], run.attributes["headcount.exit_code"]) == (
        "fail",
        1,
    )
    assert (run.attributes["headcount.lost"], run.problem) == (2, "2 lost")
    unjudged, *_ = run_spans(MANIFEST, STEPS, None, (7, 20))
    assert (unjudged.attributes, unjudged.problem) == ({}, "the run was not judged")
    passed = RunJudgement(StoredVerdict(run_id="run-1", verdict=Verdict.PASS))
    (run,) = run_spans(MANIFEST, (), passed, (7, 20))
    assert run.problem == ""


def test_a_request_has_a_span_in_its_own_trace() -> None:
    """It is the parent that the service was given, and lasts as long as the request."""
    event_id = TRACED.ids.text(3, 41)
    (lost,) = request_spans(TRACED, [exception(event_id)], RUN)
    assert (lost.ids, lost.parent, lost.link) == (SpanIds(event_id, event_id[16:]), None, RUN)
    assert lost.ended_ns - lost.began_ns == 250
    assert lost.attributes["http.response.status_code"] == 201
    assert (lost.name, lost.problem) == ("headcount: lost", "lost: acknowledged, not in topic")
    unanswered = {**exception(event_id, "absent"), "answered_at_ns": "", "http_status": ""}
    (absent,) = request_spans(TRACED, [unanswered], RUN)
    assert (absent.ended_ns, absent.problem) == (absent.began_ns, "")
    (altered,) = request_spans(TRACED, [exception(event_id, "delivered", "corrupted late")], RUN)
    assert altered.name == "headcount: delivered + corrupted + late"
    assert altered.problem


@pytest.mark.parametrize(
    ("manifest", "row"),
    [
        (MANIFEST, exception("run-1.0.7")),
        (TRACED, exception("0" * 32)),
        (TRACED, {**exception(TRACED.ids.text(0, 1)), "sent_at_ns": ""}),
    ],
    ids=["not a trace-id", "of another run", "never sent"],
)
def test_only_requests_of_the_run_have_spans(manifest: Manifest, row: dict[str, str]) -> None:
    """A text that is not an id, or the id of another run, gets none."""
    assert list(request_spans(manifest, [row], RUN)) == []


def test_many_of_a_kind_do_not_crowd_out_another() -> None:
    """Each class with its flags has its own limit."""
    rows = [exception(TRACED.ids.text(0, seq)) for seq in range(MOST_OF_A_KIND + 5)]
    rows.append(exception(TRACED.ids.text(1, 0), "ghost"))
    names = [span.name for span in request_spans(TRACED, rows, RUN)]
    assert names == ["headcount: lost"] * MOST_OF_A_KIND + ["headcount: ghost"]


def test_steps_are_read_back() -> None:
    """As they were written; a part of a file has none."""
    content = dump_steps(STEPS)
    assert load_steps(content) == STEPS
    assert load_steps(content[:-5]) == ()
