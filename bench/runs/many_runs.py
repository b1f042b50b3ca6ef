"""Generates the verdicts of many runs, to look at a history and to time it.

    python -m bench.runs.many_runs REPORTS RUNS

Each run has a verdict of the size and the form of `reports/sample`, and no ledger. There are four
series, with noise like that between real runs. In `mixed.py` requests get slower after two thirds
of the time; in `orders.py` the rate falls after one third; a few runs lose events, break a
threshold, or are inconclusive. The same number of runs always yields the same history.
"""

import copy
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from headcount.files import write_atomically
from headcount.ledger.event_types import TOTAL
from headcount.run.folder import RunFolder
from headcount.run.manifest import Manifest
from headcount.run.verdict import Label

SAMPLE = Path(__file__).parents[2] / "reports/sample/verdict.json"
LATEST = datetime(2026, 11, 30, 6, 0, tzinfo=UTC)
EVERY = timedelta(hours=5)
DURATION_S = 30
NOISE, TAIL_NOISE, RATE_NOISE = 0.05, 0.14, 0.015
"""Standard deviations of the logarithm between runs: of medians, of p99, of the rate."""

LIMIT_MS = 235.0
_TAIL = 0.9
_INCONCLUSIVE, _LOSSES = 0.025, 0.03


@dataclass(frozen=True, slots=True)
class GeneratedSeries:
    """Runs of one scenario and target; the options are those of its load.

    After the share `slower_from` of the runs, durations are multiplied by `slower`; after the share
    `fewer_from`, the number of requests is multiplied by `fewer`.
    """

    scenario: str
    host: str
    topic: str
    options: Mapping[str, Any]
    weight: int
    requests: int
    p99_ms: float
    slower_from: float = 1.0
    slower: float = 1.0
    fewer_from: float = 1.0
    fewer: float = 1.0


SERIES = (
    GeneratedSeries(
        "mixed.py", "http://127.0.0.1:8000", "events", {"num_users": 20, "run_time": DURATION_S},
        weight=5, requests=1950, p99_ms=62.0, slower_from=0.66, slower=1.45,
    ),
    GeneratedSeries(
        "mixed.py", "http://127.0.0.1:8000", "events",
        {"rate": "200/s", "run_time": DURATION_S}, weight=2, requests=6000, p99_ms=88.0,
    ),
    GeneratedSeries(
        "orders.py", "https://orders.staging.test", "orders",
        {"num_users": 50, "run_time": DURATION_S}, weight=2, requests=4200, p99_ms=140.0,
        fewer_from=0.33, fewer=0.86,
    ),
    GeneratedSeries(
        "rush.py", "https://orders.staging.test", "orders",
        {"num_users": 200, "run_time": DURATION_S}, weight=1, requests=15_500, p99_ms=210.0,
    ),
)  # fmt: skip


def generate(reports: Path, runs: int) -> None:
    """Write the folders of many runs. Raises OSError."""
    random = Random(25)  # noqa: S311 - synthetic figures
    sample = json.loads(SAMPLE.read_text(encoding="utf-8"))
    weights = [one_series.weight for one_series in SERIES]
    for number in range(runs):
        series = random.choices(SERIES, weights)[0]
        began_at = LATEST - (runs - 1 - number) * EVERY
        run_id = f"{began_at:%Y%m%d-%H%M%S}-{number:04d}"
        document = _verdict(sample, series, random, share=number / runs)
        document |= {"run_id": run_id, "created_at": began_at.isoformat(timespec="milliseconds")}
        _write(reports / run_id, document)


def _write(path: Path, document: Mapping[str, Any]) -> None:
    folder = RunFolder(path)
    folder.create()
    folder.write_manifest(
        Manifest(
            run_id=folder.run_id,
            created_at=document["created_at"],
            headcount_version="0.1.0",
            scenario=document["scenario"],
            host=document["host"],
            bootstrap_servers="127.0.0.1:9092",
            cluster_id=document["cluster_id"],
            topic=document["topic"],
            topic_id=None,
            cleanup_policy="delete",
            start_offsets={0: 0},
        )
    )
    write_atomically(path / "verdict.json", json.dumps(document, indent=2) + "\n")


def _verdict(
    sample: Mapping[str, Any], series: GeneratedSeries, random: Random, share: float
) -> dict[str, Any]:
    """Make the verdict of a run at a share of its history."""
    document = copy.deepcopy(dict(sample))
    slower = series.slower if share >= series.slower_from else 1.0
    fewer = series.fewer if share >= series.fewer_from else 1.0
    attempted = round(series.requests * fewer * random.lognormvariate(0, RATE_NOISE))
    lost = random.randint(1, 40) if random.random() < _LOSSES else 0
    options = {**document["options"], "num_users": None, **series.options}
    document |= {"scenario": series.scenario, "host": series.host, "topic": series.topic}
    document |= {"options": options, "span_s": DURATION_S - 0.2}
    _set_counts(document, attempted, lost)
    p99_ms = _set_latencies(document, series.p99_ms * slower, random)
    _set_label(document, lost, p99_ms, is_settled=random.random() >= _INCONCLUSIVE)
    return document


def _set_counts(document: dict[str, Any], attempted: int, lost: int) -> None:
    of_all = document["counts"]
    for row in document["by_event_type"].values():
        share = row["attempted"] / document["counts"]["attempted"]
        row.update(dict.fromkeys(("attempted", "acked", "delivered"), round(share * attempted)))
    of_all |= {"attempted": attempted, "acked": attempted}
    of_all |= {"delivered": attempted - lost, "lost": lost}


def _set_latencies(document: dict[str, Any], p99_ms: float, random: Random) -> float:
    """Scale all durations; return the p99 of all requests."""
    before: float = next(
        row["percentiles"]["0.99"]
        for row in document["latency_ms"]
        if (row["event_type"], row["measure"]) == (TOTAL, "http")
    )
    body = p99_ms / before * random.lognormvariate(0, NOISE)
    tail = p99_ms / before * random.lognormvariate(0, TAIL_NOISE)
    for row in document["latency_ms"]:
        for name in ("min_ms", "mean_ms", "max_ms"):
            row[name] *= body
        for quantile in row["percentiles"]:
            row["percentiles"][quantile] *= tail if float(quantile) >= _TAIL else body
    return before * tail


def _set_label(document: dict[str, Any], lost: int, p99_ms: float, *, is_settled: bool) -> None:
    """Set the checks, and the verdict that follows from them."""
    for check in document["checks"]:
        if check["name"] == "lost":
            check |= {
                "result": "broken" if lost else "kept",
                "evidence": f"{lost} lost, 0 allowed",
            }
    limit = {"name": f"http.p99 < {LIMIT_MS:g}ms", "area": "thresholds", "remedy": ""}
    is_kept = p99_ms < LIMIT_MS and p99_ms != 0
    limit |= {"result": "kept" if is_kept else "broken", "evidence": f"http.p99 {p99_ms:.1f} ms"}
    document["checks"].append(limit)
    label = Label.FAIL if lost else Label.PASS
    if not is_settled and not lost:
        reason = "the topic was still growing when the time to settle was over"
        settled = {"name": "settled", "area": "evidence", "result": "unproven"}
        document["checks"].append({**settled, "evidence": reason, "remedy": "raise --settle"})
        label = Label.INCONCLUSIVE
    elif not lost and not is_kept:
        label = Label.THRESHOLD_BROKEN
    document |= {"verdict": label.verdict.value, "label": label.value}


if __name__ == "__main__":
    generate(Path(sys.argv[1]), int(sys.argv[2]))
