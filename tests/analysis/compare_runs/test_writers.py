"""The formats of a comparison: text from runs is escaped, and colour is never the only sign."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from headcount_analysis.compare_runs import json_document, markdown, page, words
from headcount_analysis.compare_runs.change import ChangeLabel
from headcount_analysis.compare_runs.limits import parse_all
from headcount_analysis.compare_runs.model import RunComparison, compare
from headcount_analysis.compare_runs.runs import read_run, sides_of
from headcount_analysis.report.html.page_files import hashes_of

from tests.analysis.compare_runs.sample import a_run, counts, durations, written

SLOWER: tuple[list[float], list[float]] = ([100, 101, 102], [131, 132, 133])
HOSTILE = "<img src=x>|`*[a](b)"
OVER_TIME = "elapsed_s,width_s,acked,http_p50_ms,http_p99_ms,end_to_end_p99_ms\n"
PERCENTILES = "event_type,measure,quantile,ms,count\n"


def compared(
    reports: Path,
    base: list[float],
    run: list[float],
    *limits: str,
    allow_single_run: bool = False,
    **changes: object,
) -> RunComparison:
    """Compare runs with these http.p99, in ms; `changes` apply to the second side."""
    groups = [
        [a_run(reports, f"{name}-{place}", ms, **more) for place, ms in enumerate(side)]
        for name, side, more in (("a", base, {}), ("b", run, changes))
    ]
    return compare(
        sides_of(groups), parse_all(limits), anyway=True, allow_single_run=allow_single_run
    )


def sentences(comparison: RunComparison) -> list[str]:
    """Return the sentences on the only other side."""
    (versus,) = comparison.others
    return list(words.sentences(comparison, versus))


def test_sentences_of_a_change(tmp_path: Path) -> None:
    """They give size and interval; `from_intended` is left out if it equals `http`."""
    lines = sentences(compared(tmp_path, *SLOWER))
    assert lines[0] == "http p50 is 31 % higher (95 % CI 28 % to 33 %)"
    assert lines[1] == "http p99 is 31 % higher (95 % CI 28 % to 33 %)"
    assert lines[2].startswith("end to end p50 is 31 % higher")
    assert "at most one in twenty of these changes may be chance" in lines[-1]
    assert not any("intended" in line for line in lines)


def test_sentences_without_a_clear_change(tmp_path: Path) -> None:
    """Examples are equal runs, runs that are too noisy, and single runs."""
    equal = sentences(compared(tmp_path / "equal", [100, 101, 102], [101, 102, 100]))
    assert equal == ["No clear change in 56 figures."]
    noisy = sentences(compared(tmp_path / "noisy", [100, 300], [150, 400]))
    assert noisy[0] == "No clear change in 8 of 56 figures."
    assert noisy[-1].startswith("48 of 56 figures could not be decided")
    single = sentences(compared(tmp_path / "single", [100], [150]))
    assert single[0].startswith("One run per side cannot separate change from noise")
    assert "http p99 is 50 % higher" in single


def test_the_headline_does_not_call_what_is_undecided_no_change(tmp_path: Path) -> None:
    """Only if most figures could be decided is there no clear change."""
    equal = compared(tmp_path / "equal", [100, 101, 102], [101, 102, 100])
    assert words.headline(equal) == "No clear change"
    noisy = compared(tmp_path / "noisy", [100, 300], [150, 400])
    assert words.headline(noisy) == "Cannot tell: 48 of 56 figures could not be decided"


def test_a_count_from_none(tmp_path: Path) -> None:
    """A rise from 0 has no share, so it is given as a number."""
    comparison = compared(tmp_path, [100, 101], [100, 101], counts=counts(lost=3))
    assert sentences(comparison)[0] == "WORSE: lost rose from 0 to 3 per run on average"


@pytest.mark.parametrize(
    ("ms", "limit", "expected", "code"),
    [
        (SLOWER, "http.p99 +10%", "+31 % (95 % CI +28 % to +33 %)", 4),
        (([100], [131]), "http.p99 +10ms", "+31.0 ms, one run per side; repeat the runs", 3),
        (([100], [100]), "http.p99 +10%", "accept single runs with --allow-single-run", 3),
        (([100], [100]), "lost +0", "the same in every run", 0),
        (([100], [100]), "http{event_type=x}.p99 +10%", "not measured in every run", 4),
        (
            ([100, 200], [100, 210]),
            "http.p99 +10%",
            "does not decide the limit, so more or longer",
            3,
        ),
        (SLOWER, "rps -5%", "the same in every run", 0),
    ],
)
def test_a_limit(
    tmp_path: Path, ms: tuple[list[float], list[float]], limit: str, expected: str, code: int
) -> None:
    """A limit has a description and an exit code."""
    comparison = compared(tmp_path, *ms, limit)
    assert expected in words.limit(comparison.limits[0])
    assert comparison.exit_code == code


@pytest.mark.parametrize(
    ("ms", "limit", "expected", "code"),
    [
        ((100, 131), "http.p99 +10ms", "+31.0 ms, one run per side", 4),
        ((100, 100), "http.p99 +10%", "the same in every run", 0),
        ((2, 3), "end_to_end.p99 +10%", "so this may be rounding", 3),
    ],
)
def test_a_limit_of_single_runs(
    tmp_path: Path, ms: tuple[float, float], limit: str, expected: str, code: int
) -> None:
    """With `allow_single_run` they decide."""
    comparison = compared(tmp_path, [ms[0]], [ms[1]], limit, allow_single_run=True)
    assert expected in words.limit(comparison.limits[0])
    assert comparison.exit_code == code


WORSE = "WORSE: lost rose from 0 to 23; the label changed from PASS to FAIL"


def test_a_fact_that_got_worse_comes_first(tmp_path: Path) -> None:
    """It does so in every format, with one run per side and any limits, and is never noise."""
    lossy: dict[str, Any] = {"counts": counts(lost=23), "verdict": "fail"}
    comparison = compared(tmp_path / "one", [100], [101], **lossy)
    assert words.headline(comparison) == WORSE
    assert sentences(comparison)[:2] == [
        "WORSE: lost rose from 0 to 23",
        "WORSE: the label changed from PASS to FAIL",
    ]
    assert markdown.render(comparison).startswith(f"## ❌ Comparison: {WORSE}\n")
    assert f'<p class="verdict fail">{WORSE}</p>' in page.render(comparison)
    made = json.loads(json_document.dump(comparison))
    assert made["headline"] == WORSE
    assert made["compared"][0]["worse"] == WORSE.removeprefix("WORSE: ").split("; ")
    labels = {str(change.metric): change.label for change in comparison.others[0].changes}
    assert labels["lost"] is ChangeLabel.WORSE
    kept = compared(tmp_path / "limits", [100, 101], [100, 101], "lost +30", **lossy)
    assert words.headline(kept) == (
        "WORSE: lost rose from 0 to 23 per run on average; "
        "the label changed from PASS to FAIL; 1 of 1 limits kept"
    )


def test_facts_that_got_better_come_first_too(tmp_path: Path) -> None:
    """They do so if nothing got worse."""
    groups = [[a_run(tmp_path, "a", counts=counts(lost=23))], [a_run(tmp_path, "b")]]
    comparison = compare(sides_of(groups))
    assert sentences(comparison)[0] == "better: lost fell from 23 to 0"
    assert words.headline(comparison) == "Better: lost fell from 23 to 0"
    equal = compared(tmp_path / "equal", [100], [101])
    assert words.headline(equal) == "One run per side cannot separate change from noise"


def test_a_flag_that_no_run_limits_is_not_worse(tmp_path: Path) -> None:
    """A flag counts against a run if a limit was set; a broken threshold always does."""
    reordered: dict[str, Any] = {"counts": counts(reordered=23)}
    comparison = compared(tmp_path / "a", [100], [100], **reordered)
    assert not any("WORSE" in sentence for sentence in sentences(comparison))
    limits = {"reordered": 30, "late_after_ms": 60_000}
    comparison = compared(tmp_path / "b", [100], [100], **reordered, limits=limits)
    assert sentences(comparison)[0] == "WORSE: reordered rose from 0 to 23"
    broken = {"text": "rps > 1", "holds": False, "shown": "0.5/s"}
    comparison = compared(tmp_path / "c", [100], [100], thresholds=[broken])
    assert sentences(comparison)[0] == "WORSE: the label changed from PASS to THRESHOLD BROKEN"


def test_a_loss_that_moved_from_one_event_type_to_another_is_worse_there(tmp_path: Path) -> None:
    """It is worse even if the total is unchanged."""
    sides = [
        [a_run(tmp_path, name, counts=counts(lost=5), by_event_type=of_types)]
        for name, of_types in (
            ("a", {"x": counts(lost=5), "y": counts()}),
            ("b", {"x": counts(), "y": counts(lost=5)}),
        )
    ]
    assert sentences(compare(sides_of(sides)))[0] == "WORSE: lost of y rose from 0 to 5"


def test_the_worst_limit_decides(tmp_path: Path) -> None:
    """A broken limit outweighs an undecided one."""
    limits = ("lost +0", "http.p99 +10%", "http{event_type=x}.p99 +1%")
    assert compared(tmp_path / "a", [1, 9], [2, 10], *limits).exit_code == 4
    assert compared(tmp_path / "b", [1, 9], [2, 10], *limits[:2]).exit_code == 3
    assert compared(tmp_path / "c", [1, 9], [2, 10], *limits[:1]).exit_code == 0


def test_the_document(tmp_path: Path) -> None:
    """It is valid JSON: an infinite end is null."""
    comparison = compared(tmp_path, [1e-300, 1e9], [1, 9], "lost +0", scenario="rush.py")
    made = json.loads(json_document.dump(comparison))
    assert (made["format"], made["exit_code"], made["confidence"]) == (1, 0, 0.95)
    assert made["not_comparable"] == ["scenario: mixed.py in a-0, a-1; rush.py in b-0, b-1"]
    (versus,) = made["compared"]
    (p99,) = (
        change
        for change in versus["changes"]
        if (change["metric"], change["aggregate"], change["event_type"]) == ("http", "p99", None)
    )
    assert (p99["base"], p99["run"], p99["label"]) == ([1e-300, 1e9], [1, 9], "cannot tell")
    assert p99["ratio"]["high"] is None
    assert made["limits"] == [
        {"text": "lost +0", "side": "run", "state": "kept", "found": "the same in every run"}
    ]


def hostile(reports: Path) -> RunComparison:
    """Compare runs whose texts contain markup."""
    of_all = counts()
    return compared(
        reports,
        [100, 101],
        [200, 201],
        "http.p99 +10%",
        scenario=HOSTILE,
        by_event_type={HOSTILE: of_all},
        latency_ms=[durations(name, "http", 200) for name in (HOSTILE, "total")],
    )


def test_markdown(tmp_path: Path) -> None:
    """It has limits, differences and figures; text from outside is escaped."""
    written_down = markdown.render(hostile(tmp_path))
    lines = written_down.splitlines()
    assert lines[0] == "## ❌ Comparison: 1 of 1 limits broken"
    assert "- base (a-0, a-1)" in lines
    assert any(line.startswith("| ❌ broken | `http.p99 +10%` | run | +99 % ") for line in lines)
    assert r"- scenario: mixed.py in a-0, a-1; \<img src=x\>\|\`\*\[a\](b) in b-0, b-1" in lines
    assert "<img" not in written_down.replace(r"\<img", "")
    cells = {len(re.findall(r"(?<!\\)\|", line)) for line in lines if line.startswith("| `http")}
    assert cells == {7}


class Tags(HTMLParser):
    """Collects a page's tags and their addresses."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.addresses: list[str] = []
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record a tag."""
        self.names.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]


def test_the_page(tmp_path: Path) -> None:
    """It loads nothing, runs only its own script, and repeats in words what its colours mean."""
    content = page.render(hostile(tmp_path))
    tags = Tags(content)
    assert not tags.names & {"img", "link", "iframe"}
    scripts = re.findall("<script>(.*?)</script>", content, re.DOTALL)
    assert f"script-src {hashes_of(scripts)};" in content
    assert tags.addresses == []
    assert "&lt;img src=x&gt;" in content
    assert "default-src &#39;none&#39;" in content or "default-src 'none'" in content
    assert "1 of 1 limits broken" in content
    limit = '<tr class="fail"><th scope="row">http.p99 +10%</th><td data-name="result">broken</td>'
    assert limit in content
    assert "These runs are not comparable" in content
    assert "no percentiles.csv or over_time.csv for a-0, a-1, b-0, b-1" in content


def test_the_charts(tmp_path: Path) -> None:
    """If runs have tables, the charts overlay all sides and name them."""
    groups = []
    for name, ms in (("a", 100), ("b", 200)):
        folder = written(tmp_path, name, ms)
        rows = "".join(f"{s},1,{5 + s},{ms},{2 * ms},{ms}\n" for s in range(700))
        (folder.path / "over_time.csv").write_text(OVER_TIME + rows)
        curve = "".join(f"total,http,{q},{ms * q},1\n" for q in (0, 0.5, 0.9, 1))
        (folder.path / "percentiles.csv").write_text(PERCENTILES + curve)
        groups.append([read_run(folder)])
    content = page.render(compare(sides_of(groups)))
    assert content.count("<figure>") == 6  # changes, a curve, and four over time
    assert "no percentiles.csv" not in content
    assert '"names":["base","run"]' in content


def test_facts_come_first(tmp_path: Path) -> None:
    """Verdicts and classes stand above what changed by more than noise; the rest is folded."""
    lossy: dict[str, Any] = {"counts": counts(lost=23), "verdict": "fail"}
    content = page.render(compared(tmp_path, *SLOWER, **lossy))
    cells = '<td data-name="base">{}</td><td data-name="run">{}</td>'
    verdict = f'<tr class="worse"><th scope="row">verdict</th>{cells.format("PASS", "FAIL")}'
    lost = f'<tr class="worse"><th scope="row">lost</th>{cells.format(0, 23)}'
    http = '<tr><th scope="row">http p99</th>'
    places = [content.index(part) for part in (verdict, lost, http, "<details>")]
    assert places == sorted(places)
    assert '<th scope="row">ghost</th>' not in content
    assert http not in content[places[-1] :]


def test_links_to_the_reports(tmp_path: Path) -> None:
    """They are there if the place of the runs is known."""
    comparison = compared(tmp_path, [100], [131])
    assert "report.html" not in page.render(comparison)
    assert '<a href="../reports/a-0/report.html">a-0</a> (PASS)' in page.render(
        comparison, "../reports/"
    )


@pytest.mark.parametrize(
    ("ms", "interval"),
    [([900, 1200], r"\+\d+ % to over \+1,000 %"), ([3000, 3030], r"over \+1,000 %")],
)
def test_a_very_large_change(tmp_path: Path, ms: list[float], interval: str) -> None:
    """No end of an interval beyond +1,000 % is given exactly; if both are, there is only one."""
    (versus,) = compared(tmp_path, [100, 104], ms).others
    rows = {str(changed.metric): words.cells(changed) for changed in versus.in_total}
    assert re.fullmatch(interval, rows["http.p99"][3])


def test_a_change_of_a_share(tmp_path: Path) -> None:
    """A share that was 0 before changes by percentage points, not by a share of itself."""
    comparison = compared(tmp_path, [100], [100], counts=counts(failed=3))
    (versus,) = comparison.others
    rows = {str(changed.metric): words.cells(changed) for changed in versus.in_total}
    base, run, change, interval, _ = rows["fail_ratio"]
    assert (base, run, change) == ("0%", "0.3%", "+0.3 percentage points")
    assert interval == ""
    assert words.signed(versus.in_total[0].metric, 3, is_share=False) == "+3"
    repeated = compared(tmp_path / "repeated", [100, 101], [100, 101], counts=counts(failed=3))
    lines = sentences(repeated)
    assert any(line.endswith("(95 % CI 0.3 to 0.3 percentage points)") for line in lines)
