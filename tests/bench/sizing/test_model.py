"""The sizing model: hand-computed examples, and the document that it generates."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli.main import cli
from bench.sizing.cores import Fit, Took, fit
from bench.sizing.model import (
    BEGIN,
    END,
    SEGMENT_EVERY_S,
    Costs,
    SizingRequest,
    markdown,
    needs,
    read_costs,
    rewritten,
    verdict_cores,
    verdict_s,
)
from headcount.errors import UsageError
from headcount.open_model.rate import parse_rate

ROOT = Path(__file__).parents[3]
COSTS = Costs(
    generator_us=100,
    service_us=500,
    broker_us=50,
    ledger_bytes=20,
    topic_bytes=300,
    verdict=Fit(start_s=10, shared_s=8, serial_s=1),
    machine="a machine",
)
REQUEST = SizingRequest(parse_rate("1000/s:1000s"), within_s=60, busy=0.5, replication=3)


def test_cores_by_rate() -> None:
    """1,000/s at 500 µs need one core, half busy; the part with the lowest limit comes first."""
    carried = {need.part: (round(need.carries), need.cores) for need in needs(COSTS, REQUEST)}
    assert carried == {"service": (1000, 1), "brokers": (3333, 1), "generators": (5000, 1)}
    assert [need.part for need in needs(COSTS, REQUEST)] == ["service", "brokers", "generators"]
    more = replace(REQUEST, plan=parse_rate("1001/s:1s"))
    assert needs(COSTS, more)[0].cores == 2


def test_time_to_the_verdict_by_cores() -> None:
    """A million events take 10 s to start, 8 s that cores share, and 1 s that they do not."""
    assert verdict_s(COSTS, 1e6, 1) == 19
    assert verdict_s(COSTS, 1e6, 8) == 12
    assert verdict_cores(COSTS, replace(REQUEST, within_s=12)) == 8
    assert verdict_cores(COSTS, replace(REQUEST, within_s=11)) is None


def test_a_fit_recovers_its_parameters() -> None:
    """Times computed by Amdahl's law yield its three parts; noise never makes one negative."""
    took = {
        events: Took(7 + events / 1e6 * (6 / 4 + 2), 20 + events / 1e6 * (6 + 2))
        for events in (1_000_000, 3_000_000)
    }
    fitted = fit(took, cores=4)
    assert (fitted.start_s, fitted.shared_s, fitted.serial_s) == pytest.approx((7, 6, 2))
    for large in (Took(9, 30), Took(30, 9), Took(9, 300), Took(300, 301)):
        noisy = fit({1_000_000: Took(10, 20), 3_000_000: large}, cores=2)
        assert min(noisy.start_s, noisy.shared_s, noisy.serial_s) >= 0
        # The fit never falls below the measurement.
        assert noisy.start_s + 3 * (noisy.shared_s / 2 + noisy.serial_s) >= large.seconds


def test_markdown() -> None:
    """Tables have units; a verdict that no number of cores brings in time is reported."""
    text = markdown(COSTS, REQUEST, "the command")
    assert "For 1,000 requests a second, with cores 50% busy and 3 replicas:" in text
    assert "| service | 1,000 /s | 1 |" in text
    assert "| brokers' disks, 3 replicas | 1 MB/s | 0.9 GB |" in text
    assert "| ledgers | 0.0 MB/s | 0.0 GB | 500 segments |" in text
    assert "Number of cores for a verdict within 1 min: 1." in text
    assert "The first limit is the service" in text
    late = markdown(COSTS, replace(REQUEST, within_s=5), "the command")
    assert "No number of cores is enough for a verdict within 5 s" in late


def test_segment_interval() -> None:
    """The interval is the segment writer's, which would import Locust if it were imported here."""
    source = (ROOT / "headcount/plugin/attempts/segment_writer.py").read_text()
    assert f"\nFLUSH_EVERY_S = {SEGMENT_EVERY_S}\n" in source


def test_a_block_is_replaced_between_its_markers() -> None:
    """The surrounding text stays, and the new text may contain any characters."""
    document = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert rewritten(document, r"new \1") == f"before\n{BEGIN}\nnew \\1\n{END}\nafter\n"
    with pytest.raises(UsageError, match="sizing: begin"):
        rewritten("nothing", "new")


def test_missing_costs_are_an_error(tmp_path: Path) -> None:
    """The message has the command that measures them."""
    with pytest.raises(UsageError, match=r"costs.json.*python -m bench costs"):
        read_costs(tmp_path)


def test_the_document_matches_the_model() -> None:
    """docs/scaling.md has the output of the command that it shows, from docs/measured."""
    document = (ROOT / "docs" / "scaling.md").read_text()
    block = document.partition(f"{BEGIN}\n")[2].partition(f"\n{END}")[0]
    command = block.splitlines()[0].partition("`")[2].partition("`")[0]
    program, arguments = shlex.split(command)[:3], shlex.split(command)[3:]
    assert program == ["python", "-m", "bench"]
    done = CliRunner().invoke(cli, [*arguments, "--measured", str(ROOT / "docs" / "measured")])
    assert done.output == f"{block}\n"
