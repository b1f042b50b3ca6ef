"""`headcount compare` on real runs: it distinguishes a slowdown from noise.

The limits apply to the fastest answer, which noise hardly affects: no answer of the slower service
is faster than its delay. Equal runs have a wide limit, which only a run without any fast answer
could break, because two runs say little about the noise.
"""

import json
import uuid
from pathlib import Path

import pytest

from headcount.stack.broker import Broker
from tests.e2e.command import CompletedCommand, a_counted_run, headcount
from tests.harmful.sluggish import DELAY_S

pytestmark = [pytest.mark.e2e, pytest.mark.heavy]

LIMIT = f"http.min +{1000 * DELAY_S / 2:g}ms"
WIDE_LIMIT = "http.min +2s"


@pytest.fixture(scope="module")
def reports(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of the game, and two of a slower game."""
    folder = tmp_path_factory.mktemp("compared")
    apps = {"before": (2, "headcount_service.wsgi:app"), "after": (2, "tests.harmful.sluggish:app")}
    for name, (count, app) in apps.items():
        for place in range(1, count + 1):
            topic = f"test-{uuid.uuid4().hex[:12]}"
            run = headcount(
                folder,
                *a_counted_run("--run-id", f"{name}-{place}", "--app", app),
                *("--bootstrap-servers", broker.bootstrap_servers, "--topic", topic),
                "--create-topic",
                # Headcount does not know the promise of an application other than the game.
                *("--promise", "acks=all, idempotent"),
                *("--reports-dir", str(folder), "--spark-heap", "1g"),
            )
            assert run.code == 0, run.err
    return folder


def compare(reports: Path, base: str, run: str, *more: str, limit: str = LIMIT) -> CompletedCommand:
    """Compare the runs of both sides with limits."""
    limits = ("--limit", limit, "--limit", "lost +0", "--reports-dir", str(reports))
    return headcount(reports, "compare", base, run, *limits, *more)


def test_a_slowdown_is_found(reports: Path) -> None:
    """With repeated runs, both limits are decided, and the broken one leads to exit code 4."""
    page = reports / "compare.html"
    done = compare(reports, "before-1,before-2", "after-1,after-2", "--html", str(page))
    assert done.code == 4, done.out + done.err
    assert f"Limit broken: {LIMIT}: +" in done.out
    assert "Limit kept: lost +0: the same in every run" in done.out
    assert "1 of 2 limits broken" in page.read_text()


def test_equal_runs_are_not_distinguished(reports: Path) -> None:
    """An equal run stays within the limits."""
    single = ("--allow-single-run", "--json")
    done = compare(reports, "before-1", "before-2", *single, limit=WIDE_LIMIT)
    assert done.code == 0, done.out + done.err
    document = json.loads(done.out)
    assert [limit["state"] for limit in document["limits"]] == ["kept", "kept"]
    assert document["not_comparable"] == []
    rps = next(change for change in document["compared"][0]["changes"] if change["metric"] == "rps")
    assert all(value > 0 for value in (*rps["base"], *rps["run"]))


def test_one_run_a_side(reports: Path) -> None:
    """One run per side decides no limit on a speed without `--allow-single-run`."""
    assert compare(reports, "before-1", "after-1").code == 3
    assert compare(reports, "before-1", "after-1", "--allow-single-run").code == 4
