"""`headcount run` with the real parts: a clean run passes, and each fault is found and named."""

import json
from pathlib import Path

import pytest

from headcount.stack.broker import Broker
from tests.e2e.command import a_counted_run, headcount
from tests.harmful.sluggish import DELAY_S

pytestmark = pytest.mark.e2e

FAULTY = ("--app", "tests.harmful.by_number:app")


@pytest.fixture
def on_broker(broker: Broker, topic: str, tmp_path: Path) -> list[str]:
    """The options of a run with the shared broker."""
    servers = ("--bootstrap-servers", broker.bootstrap_servers)
    return [*servers, "--topic", topic, "--reports-dir", str(tmp_path)]


@pytest.mark.slow
def test_a_clean_run_passes_on_its_own_parts(tmp_path: Path) -> None:
    """Without options, all parts are started, everything is delivered, and all of it is reported.

    `verify` restarts the run's own broker; the verdict is the same, except for a broken threshold.
    """
    reports = tmp_path / "reports"
    run = headcount(reports, *a_counted_run("--processes", "2"), "--reports-dir", str(reports))
    assert run.code == 0, run.err
    assert "Verdict: PASS." in run.out
    assert str(run.folder / "report.html") in run.out
    rows = {row["event_type"]: row for row in run.table("summary.csv")}
    assert {"total"} < set(rows) <= {"default", "join_guild", "purchase_sword", "total"}
    assert all(0 < int(row["attempted"]) == int(row["delivered"]) for row in rows.values())
    assert run.table("exceptions.csv") == []
    page = (run.folder / "report.html").read_text()
    assert "http://" not in page.replace("http://www.w3.org/", "").replace("http://127.0.0.1", "")

    gates = ("--threshold", "http.p99 < 60s", "--threshold", "rps > 100000 for 1s")
    again = headcount(reports, "verify", str(run.folder), "--json", *gates)
    assert (again.code, again.verdict["counts"]) == (4, run.verdict["counts"]), again.err
    assert json.loads(again.out) == again.verdict
    assert [result["holds"] for result in again.verdict["thresholds"]] == [True, False]
    assert 'failures="2"' in (run.folder / "junit.xml").read_text()


@pytest.mark.slow
def test_a_rate_is_kept_to_the_end(on_broker: list[str], tmp_path: Path) -> None:
    """All arrivals of the plan are started or counted as dropped.

    Target and achieved rate are shown beside every percentile.
    """
    plan = ("--rate", "0/s..50/s:2s,50/s:3s", "--seed", "1", "--run-id", "run-1")
    run = headcount(tmp_path, "run", *plan, "--users", "50", *on_broker)
    assert run.code == 0, run.err
    counts = run.verdict["counts"]
    started = counts["attempted"]
    assert f"Arrivals: 200 due, {started} started, {200 - started} dropped, 0 lost" in run.err
    assert counts["delivered"] == started > 0
    rows = {row["event_type"]: int(row["delivered"]) for row in run.table("summary.csv")}
    assert set(rows) == {"default", "join_guild", "purchase_sword", "total"}
    assert sum(rows.values()) == 2 * rows["total"] == 2 * started
    entries = [*run.verdict["latency_ms"], *run.table("latency.csv"), *run.table("percentiles.csv")]
    assert len(entries) > 24
    rates = {(float(entry["target_per_s"]), float(entry["achieved_per_s"])) for entry in entries}
    assert rates == {(40, started / 5)}
    for name in ("summary.md", "report.html"):
        rates_text = f"target 40.0/s, achieved {started / 5:.1f}/s"
        assert rates_text in (run.folder / name).read_text()


@pytest.mark.heavy
def test_a_generator_that_cannot_keep_up(tmp_path: Path) -> None:
    """Arrivals that it could not start are evidence that it was saturated, not a failure.

    With one request at a time and at least 300 ms each, at most 4 of the 300 per second start.
    """
    plan = ("--rate", "300/s:5s", "--max-in-flight", "1", "--run-id", "run-1")
    slow = ("--app", "tests.harmful.sluggish:app", "--users", "5", "--reports-dir", str(tmp_path))
    run = headcount(tmp_path, "run", *plan, *slow)
    assert (run.code, run.verdict["verdict"]) == (0, "pass"), run.err
    started = run.verdict["counts"]["attempted"]
    assert 0 < started <= 5 / DELAY_S + 2
    dropped = f"{1500 - started:,}"
    evidence = f"generator 0 dropped {dropped} arrivals that it could not start in time"
    health = run.verdict["generator"]
    assert (health["saturated"], health["evidence"][0]) == (True, evidence)
    assert [generator["dropped"] for generator in health["generators"]] == [1500 - started]
    # On a host that is busy with other tests, that is named as the cause.
    causes = ("no user was free in time", "its host was busy")
    notes = tuple(
        f"the load generator was overloaded because {cause}: {evidence}" for cause in causes
    )
    assert run.verdict["notes"][0].startswith(notes)
    assert any(f"note: {note}" in run.out for note in notes)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        (("--rate", "9"), "--rate must be RATE, RATE:TIME or FROM..TO:TIME"),
        (("--spacing", "poisson"), "--spacing needs --rate"),
        (("--max-in-flight", "5"), "--max-in-flight needs --rate"),
    ],
)
def test_an_invalid_rate(tmp_path: Path, options: tuple[str, ...], rule: str) -> None:
    """The error is one line, before any part is started."""
    run = headcount(tmp_path, "run", *options, "--reports-dir", str(tmp_path / "reports"))
    assert (run.code, len(run.err.splitlines())) == (2, 1)
    assert rule in run.err
    assert not (tmp_path / "reports").exists()


@pytest.mark.slow
def test_each_fault_is_named(on_broker: list[str], tmp_path: Path) -> None:
    """Each of several faults is reported by its id and kind, and nothing else is.

    Foreign messages are counted, and are not a failure.
    """
    faults = "drop@3,duplicate@5,alter@7,invent@9,refuse@11,crash@13,accept_twice@15,misplace@17"
    faults += ",add_foreign@19"
    run = headcount(tmp_path, *a_counted_run(*on_broker, *FAULTY), FAULTS=faults)
    exceptions = {row["id"]: (row["class"], row["flags"]) for row in run.table("exceptions.csv")}
    assert exceptions == {
        f"{run.tag}.0.3": ("lost", ""),
        f"{run.tag}.0.5": ("duplicated", ""),
        f"{run.tag}.0.7": ("delivered", "corrupted"),
        f"{run.tag}.0.999999": ("phantom", ""),
        f"{run.tag}.0.11": ("ghost", ""),
        f"{run.tag}.0.13": ("recovered", ""),
        f"{run.tag}.0.15": ("duplicated", ""),
        f"{run.tag}.0.17": ("delivered", "misplaced"),
    }
    where = {row["id"]: row["where"] for row in run.table("exceptions.csv")}
    assert where[f"{run.tag}.0.3"] == "acknowledged, not in topic"
    assert where[f"{run.tag}.0.5"].endswith("written twice")
    assert where[f"{run.tag}.0.15"].startswith("in topic, copies differ")
    assert where[f"{run.tag}.0.13"] == "answered, but not acknowledged"
    assert all(row["server"].isdigit() for row in run.table("exceptions.csv") if row["sent_at"])
    assert (run.code, run.verdict["verdict"]) == (1, "fail"), run.err
    assert "Verdict: FAIL." in run.out
    assert run.verdict["counts"]["foreign"] == 2
    for reported in ("1 lost", "2 duplicated", "1 corrupted", "1 phantom", "1 ghost"):
        assert any(reason.startswith(reported) for reason in run.verdict["reasons"])


@pytest.mark.heavy
def test_a_threshold_that_aborts_ends_the_run_early(on_broker: list[str], tmp_path: Path) -> None:
    """The test is stopped early; delivery is judged, and the exit code is 4."""
    options = ("-u", "5", "-t", "10m", "--run-id", "run-1", *on_broker)
    run = headcount(tmp_path, "run", *options, "--threshold", "http.max < 0.1ms abort")
    assert run.code == 4, run.err
    assert "Threshold broken: http.max < 0.1ms abort: " in run.out
    assert "and the test was stopped" in run.out
    assert run.verdict["verdict"] == "pass"
    marked = [moment["text"] for moment in run.verdict["moments"] if moment["source"] == "marked"]
    assert [text.partition(":")[0] for text in marked] == ["the test was stopped"]
