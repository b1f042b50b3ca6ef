"""`headcount compare` on real runs: a slowdown is told from noise, and equal runs are not.

The limits are of the fastest answer, which the machine's noise hardly moves: no answer of the
slower service can take less than its delay. Equal runs are held to one that only an answer could
break that never was fast, for two runs say little about what noise there is.
"""

import json
import uuid
from pathlib import Path

import pytest

from headcount.stack.broker import Broker
from tests.e2e.command import Outcome, a_counted_run, headcount
from tests.harmful.sluggish import DELAY_S

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

LIMIT = f"http.min +{1000 * DELAY_S / 2:g}ms"
WIDE_LIMIT = "http.min +2s"


@pytest.fixture(scope="module")
def reports(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs of the game, and two of a game that is slower."""
    folder = tmp_path_factory.mktemp("compared")
    apps = {"before": (3, "headcount_service.wsgi:app"), "after": (2, "tests.harmful.sluggish:app")}
    for name, (count, app) in apps.items():
        for place in range(1, count + 1):
            topic = f"test-{uuid.uuid4().hex[:12]}"
            run = headcount(
                folder,
                *a_counted_run("--run-id", f"{name}-{place}", "--app", app),
                *("--bootstrap-servers", broker.bootstrap_servers, "--topic", topic),
                "--create-topic",
                # Of an application that is not its own, headcount does not know it.
                *("--promise", "acks=all, idempotent"),
                *("--reports-dir", str(folder), "--spark-heap", "1g"),
            )
            assert run.code == 0, run.err
    return folder


def compare(reports: Path, base: str, run: str, *more: str, limit: str = LIMIT) -> Outcome:
    """Compare runs of both sides, and hold them against the limits."""
    limits = ("--limit", limit, "--limit", "lost +0", "--reports-dir", str(reports))
    return headcount(reports, "compare", base, run, *limits, *more)


def test_a_slowdown_is_found(reports: Path) -> None:
    """Of repeated runs, each limit is told for what it is, and the broken one ends in 4."""
    page = reports / "compare.html"
    done = compare(reports, "before-1,before-2,before-3", "after-1,after-2", "--html", str(page))
    assert done.code == 4, done.out + done.err
    assert f"Limit broken: {LIMIT}: +" in done.out
    assert "Limit kept: lost +0: the same in every run" in done.out
    assert "1 of 2 limits broken" in page.read_text()


def test_equal_runs_are_not_told_apart(reports: Path) -> None:
    """A third run of the same keeps within what the first two have shown."""
    done = compare(reports, "before-1,before-2", "before-3", "--json", limit=WIDE_LIMIT)
    assert done.code == 0, done.out + done.err
    found = json.loads(done.out)
    assert [each["state"] for each in found["limits"]] == ["kept", "kept"]
    assert found["not_comparable"] == []
    rps = next(each for each in found["compared"][0]["changes"] if each["metric"] == "rps")
    assert all(value > 0 for value in (*rps["base"], *rps["run"]))


def test_one_run_a_side(reports: Path) -> None:
    """It decides no limit of a speed, unless what was measured is to decide alone."""
    assert compare(reports, "before-1", "after-1").code == 3
    assert compare(reports, "before-1", "after-1", "--allow-single-run").code == 4
    assert compare(reports, "before-1", "before-2", "--allow-single-run").code == 0
