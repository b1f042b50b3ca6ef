"""The verdict for tests: read from a run's folder."""

import json
from pathlib import Path

import pytest

from headcount.errors import EvidenceError, PartError, UsageError
from headcount.testing import run
from headcount.testing.run_verdict import verdict_in

HEAD = "id,class,event_type,where\n"
VERDICT = {
    "run_id": "run-1",
    "verdict": "fail",
    "reasons": ["1 acknowledged event is lost"],
    "counts": {"lost": 1, "delivered": 9},
    "checks": [
        {"name": "lost", "area": "delivery", "result": "broken", "evidence": "1", "remedy": ""}
    ],
}


def test_what_it_says(tmp_path: Path) -> None:
    """The label, the reasons, the counts, and the requests that were not delivered."""
    (tmp_path / "verdict.json").write_text(json.dumps(VERDICT), "utf-8")
    rows = "t.0.1,lost,order,acknowledged but not in topic\nt.0.2,ghost,order,refused\n"
    (tmp_path / "exceptions.csv").write_text(HEAD + rows, "utf-8")
    verdict = verdict_in(tmp_path)
    assert (verdict.passed, verdict.counts["lost"]) == (False, 1)
    assert [attempt.event_id for attempt in verdict.undelivered("lost")] == ["t.0.1"]
    assert str(verdict).splitlines() == [
        "FAIL",
        "1 acknowledged event is lost",
        "lost: order t.0.1, acknowledged but not in topic",
        "ghost: order t.0.2, refused",
        f"report: {tmp_path / 'report.html'}",
    ]


def test_a_run_without_a_verdict(tmp_path: Path) -> None:
    """It is no pass."""
    with pytest.raises(EvidenceError, match=r"no valid verdict\.json"):
        verdict_in(tmp_path)


def test_a_mistake(tmp_path: Path) -> None:
    """The error is that of the command line."""
    with pytest.raises(UsageError, match="there is no metric 'htp'"):
        run("shop.py", thresholds=["htp.p99 < 1ms"], reports_dir=tmp_path)


def test_a_part_that_is_missing(tmp_path: Path) -> None:
    """A broker that does not answer is no verdict, either."""
    scenario = tmp_path / "shop.py"
    scenario.write_text("from locust import HttpUser\n", "utf-8")
    with pytest.raises((PartError, UsageError)):
        run(
            scenario,
            host="http://127.0.0.1:1",
            bootstrap_servers="127.0.0.1:1",
            reports_dir=tmp_path,
        )
