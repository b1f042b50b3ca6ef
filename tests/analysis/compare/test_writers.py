"""What is written of a comparison: text from runs is nothing but text, and colour is not alone."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from analysis.compare import document, markdown, page, words
from analysis.compare.limits import parse_all
from analysis.compare.model import Comparison, compare
from analysis.compare.runs import read_run, sides_of
from tests.analysis.compare.sample import a_run, counts, durations, written

SLOWER: tuple[list[float], list[float]] = ([100, 101, 102], [131, 132, 133])
HOSTILE = "<img src=x>|`*[a](b)"
OVER_TIME = "elapsed_s,width_s,acked,http_p50_ms,http_p99_ms,end_to_end_p99_ms\n"
PERCENTILES = "event_type,measure,quantile,ms,count\n"


def compared(
    reports: Path, base: list[float], run: list[float], *limits: str, **changes: object
) -> Comparison:
    """Compare runs by the 99th percentiles of their answers; `changes` are of the one side."""
    groups = [
        [a_run(reports, f"{name}-{place}", ms, **more) for place, ms in enumerate(side)]
        for name, side, more in (("a", base, {}), ("b", run, changes))
    ]
    return compare(sides_of(groups), parse_all(limits), anyway=True)


def told(comparison: Comparison) -> list[str]:
    """The sentences of the only other side."""
    (versus,) = comparison.others
    return list(words.sentences(comparison, versus))


def test_sentences_of_a_change(tmp_path: Path) -> None:
    """How much, and how sure that is; times from the intended one are not told twice."""
    found = told(compared(tmp_path, *SLOWER))
    assert found[0] == "http p50 is 31 % higher (95 % CI 28 % to 33 %)"
    assert found[1] == "http p99 is 31 % higher (95 % CI 28 % to 33 %)"
    assert found[2].startswith("end to end p50 is 31 % higher")
    assert "one in twenty is taken for changed by chance" in found[-1]
    assert not any("intended" in each for each in found)


def test_sentences_where_nothing_is_told(tmp_path: Path) -> None:
    """Equal runs, and runs that are too noisy."""
    equal = told(compared(tmp_path / "equal", [100, 101, 102], [101, 102, 100]))
    assert equal == ["No change is told from noise in 57 figures."]
    noisy = told(compared(tmp_path / "noisy", [100, 300], [150, 400]))
    assert noisy[-1].startswith("Of 48 of 57 figures it cannot be told")
    single = told(compared(tmp_path / "single", [100], [150]))
    assert single[0].startswith("Each side is one run, so noise cannot be told from change")
    assert "http p99 is 50 % higher" in single


def test_a_count_from_none(tmp_path: Path) -> None:
    """A share of none there is not: it is told as a number."""
    found = compared(tmp_path, [100, 101], [100, 101], counts=counts(lost=3))
    assert told(found)[0] == "lost is 3 higher (95 % CI 3 to 3)"


@pytest.mark.parametrize(
    ("ms", "limit", "expected", "code"),
    [
        (SLOWER, "http.p99 +10%", "+31 % (95 % CI +28 % to +33 %)", 4),
        (([100], [131]), "http.p99 +10ms", "+31.0ms, one run a side", 4),
        (([100], [100]), "http.p99 +10%", "the same in every run", 0),
        (([100], [100]), "http{event_type=x}.p99 +10%", "was not measured in every run", 4),
        (([100, 200], [100, 210]), "http.p99 +10%", "which allows for both; more or longer", 3),
        (([2], [3]), "end_to_end.p99 +10%", "so this may be rounding", 3),
        (SLOWER, "rps -5%", "the same in every run", 0),
    ],
)
def test_a_limit(
    tmp_path: Path, ms: tuple[list[float], list[float]], limit: str, expected: str, code: int
) -> None:
    """What was found, and the exit code that it ends in."""
    found = compared(tmp_path, *ms, limit)
    assert expected in words.limit(found.limits[0])
    assert found.exit_code == code


def test_the_worst_limit_decides(tmp_path: Path) -> None:
    """A broken one outweighs one that cannot be told."""
    limits = ("lost +0", "http.p99 +10%", "http{event_type=x}.p99 +1%")
    assert compared(tmp_path / "a", [1, 9], [2, 10], *limits).exit_code == 4
    assert compared(tmp_path / "b", [1, 9], [2, 10], *limits[:2]).exit_code == 3
    assert compared(tmp_path / "c", [1, 9], [2, 10], *limits[:1]).exit_code == 0


def test_the_document(tmp_path: Path) -> None:
    """One that any reader of JSON takes: an end without bound is null."""
    found = compared(tmp_path, [1e-300, 1e9], [1, 9], "lost +0", scenario="rush.py")
    made = json.loads(document.dump(found))
    assert (made["format"], made["exit_code"], made["confidence"]) == (1, 0, 0.95)
    assert made["not_comparable"] == ["scenario: mixed.py in a-0, a-1; rush.py in b-0, b-1"]
    (versus,) = made["compared"]
    (p99,) = (
        each
        for each in versus["changes"]
        if (each["metric"], each["aggregate"], each["event_type"]) == ("http", "p99", None)
    )
    assert (p99["base"], p99["run"], p99["label"]) == ([1e-300, 1e9], [1, 9], "cannot tell")
    assert p99["ratio"]["high"] is None
    assert made["limits"] == [
        {"text": "lost +0", "side": "run", "state": "kept", "found": "the same in every run"}
    ]


def hostile(reports: Path) -> Comparison:
    """Compare runs that say of themselves what would be markup."""
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
    """Limits, differences and figures; what comes from outside is no markup."""
    written_down = markdown.render(hostile(tmp_path))
    lines = written_down.splitlines()
    assert lines[0] == "## ❌ Comparison: of 1 limits 1 broken"
    assert "- base (a-0, a-1)" in lines
    assert any(line.startswith("| ❌ broken | `http.p99 +10%` | run | +99 % ") for line in lines)
    assert r"- scenario: mixed.py in a-0, a-1; \<img src=x\>\|\`\*\[a\](b) in b-0, b-1" in lines
    assert "<img" not in written_down.replace(r"\<img", "")
    cells = {len(re.findall(r"(?<!\\)\|", line)) for line in lines if line.startswith("| `http")}
    assert cells == {7}


class Tags(HTMLParser):
    """Collects a page's tags, and the addresses that they name."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.addresses: list[str] = []
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note."""
        self.names.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]


def test_the_page(tmp_path: Path) -> None:
    """It loads nothing, runs nothing, and says in words what its colours say."""
    content = page.render(hostile(tmp_path))
    tags = Tags(content)
    assert not tags.names & {"img", "script", "link", "iframe"}
    assert tags.addresses == []
    assert "&lt;img src=x&gt;" in content
    assert "default-src &#39;none&#39;" in content or "default-src 'none'" in content
    assert "1 of 1 limits broken" in content
    assert '<tr class="fail"><th scope="row">http.p99 +10%</th><td>broken</td>' in content
    assert "These runs are not comparable" in content
    assert "There is no percentiles.csv or over_time.csv of a-0, a-1, b-0, b-1" in content


def test_the_charts(tmp_path: Path) -> None:
    """Where runs have tables, each side is drawn over the other, and named."""
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
    assert "There is no percentiles.csv" not in content
    assert ">base</text>" in content
    assert ">run</text>" in content
