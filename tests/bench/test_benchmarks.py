"""The benchmarks run, at a size that measures nothing, and check what they measure."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from headcount_analysis.spark.jvm import suited_to

from bench.sizing import cores
from headcount.stack.jvm.flags import LONG_WORK

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]


def bench(output: Path, *arguments: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Run one benchmark to its end, and read what it saved."""
    command = [sys.executable, "-m", "bench", "--quiet", "--output", str(output), *arguments]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads((output / f"{arguments[0]}.json").read_text())
    return done, document


def test_overhead(tmp_path: Path) -> None:
    """Both variants served requests, and the ledger's were all in the ledger."""
    done, document = bench(tmp_path, "overhead", "--rounds", "1", "--users", "4", "--seconds", "4")
    assert document["figures"]["ratio"]["median"] > 0
    assert "ratio, with / without" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["overhead.json"]


def test_rate(tmp_path: Path) -> None:
    """Every arrival was made on time or counted, and the stall is in the high percentiles."""
    size = ("--rounds", "1", "--seconds", "4", "--stalled-rate", "50")
    done, document = bench(tmp_path, "rate", *size)
    lag = document["rounds"][0]["lag"]["due"]
    assert lag > 0
    stalled = document["figures"]["stall_ms"]
    assert stalled["exact"]["p99"] == 960
    assert stalled["from_intended"]["p99"] > 500
    assert "by calculation" in done.stdout


def test_service(tmp_path: Path) -> None:
    """Both variants answered on both kinds of routes, and every answer was a 2xx."""
    size = ("--rounds", "1", "--seconds", "4", "--connections", "4")
    _, document = bench(tmp_path, "service", *size)
    assert {(each["variant"], each["route"]) for each in document["rounds"]} == {
        (variant, route)
        for variant in ("off", "acknowledged")
        for route in ("stateless", "stateful")
    }
    assert all(each["acknowledged"] and not each["other"] for each in document["rounds"])


def test_outage(tmp_path: Path) -> None:
    """The same workers before, during and after; some were acknowledged, some refused."""
    size = ("--seconds", "24", "--connections", "2")
    _, document = bench(tmp_path, "outage", *size)
    figures = document["figures"]
    assert len(figures["growth_mib"]) == 2
    assert figures["answers"]["acknowledged"]
    assert figures["answers"]["refused"]
    assert not figures["answers"]["broken"]


def test_reconcile(tmp_path: Path) -> None:
    """Runs of two sizes are judged by all; the faults are found where there are some."""
    size = ("--rounds", "1", "--events", "2000", "--events", "20000", "--faults", "3")
    done, document = bench(tmp_path, "reconcile", *size)
    lost = {(each["events"], each["variant"]): each["lost"] for each in document["rounds"]}
    assert lost == {
        (events, variant): found
        for events in (2000, 20_000)
        for variant, found in (
            ("headcount verify", 0),
            ("the same, with faults", 3),
            ("script", 0),
            ("bare read", None),
        )
    }
    assert "peak MiB" in done.stdout


def test_warm(tmp_path: Path) -> None:
    """A run passes, and takes longer than its load."""
    _, document = bench(tmp_path, "warm", "--rounds", "1", "--seconds", "2")
    (each,) = document["rounds"]
    assert each["attempted"] > 0
    assert 0 < document["figures"]["beyond_s"]["median"] == each["watched"]["seconds"] - 2


def test_follow(tmp_path: Path) -> None:
    """Nearly all was read before the end, and both verdicts pass."""
    _, document = bench(tmp_path, "follow", "--events", "2000", "2400")
    for each in document["rounds"]:
        assert 0.9 * each["events"] <= each["followed"]["messages"] <= each["events"]
        assert each["followed"]["seconds"] > 0


@pytest.mark.skipif(not shutil.which("chromium"), reason="there is no chromium on PATH")
def test_report(tmp_path: Path) -> None:
    """The page of a run with all kinds of faults is opened, and is more than an empty one."""
    size = ("--rounds", "1", "--minutes", "0.2", "--rate", "100", "--faults", "30")
    _, document = bench(tmp_path, "report", *size, "--keep", str(tmp_path / "kept"))
    pages = {each["variant"]: each["opened"] for each in document["rounds"]}
    assert pages["report.html"]["nodes"] > 100 > pages["an empty page"]["nodes"]
    assert document["figures"]["report_bytes"] == (tmp_path / "kept/report.html").stat().st_size
    page = (tmp_path / "kept/report.html").read_text(encoding="utf-8")
    for kind in ("lost", "duplicated", "delivered + corrupted"):
        assert f'data-kind="{kind}"' in page
    assert {path.suffix for path in (tmp_path / "kept").iterdir()} == {".html", ".png", ".pdf"}


def test_costs(tmp_path: Path) -> None:
    """Every part took some time for each event, and each store some bytes of it."""
    done, document = bench(tmp_path, "costs", "--rounds", "1", "--seconds", "4")
    us, size = document["figures"]["cpu_us_per_event"], document["figures"]["bytes_per_event"]
    assert min(each["median"] for each in us.values()) > 0
    assert size["topic"]["median"] > size["ledger"]["median"] > 1
    assert "generator" in done.stdout


def test_verdicts_of_both_sizes_are_reached_in_one_way() -> None:
    """A line through two ways of starting Spark would say nothing of either."""
    assert len({suited_to(events) for events in cores.CoresSettings().events}) == 1
    assert suited_to(min(cores.CoresSettings().events)) == LONG_WORK


def test_cores(tmp_path: Path) -> None:
    """Both runs pass, and the parts of the time are told, none below nothing."""
    _, document = bench(tmp_path, "cores", "--rounds", "1", "--events", "2000", "4000")
    assert [each["events"] for each in document["rounds"]] == [2000, 4000]
    names = ("start_s", "shared_s_per_million", "serial_s_per_million")
    assert min(document["figures"][name] for name in names) >= 0
    assert document["figures"]["peak_mib"]["median"] > 0
