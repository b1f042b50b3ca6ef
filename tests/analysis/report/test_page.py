"""The page: what stands first, what may run in it, and that nothing from outside does."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from headcount_analysis.compare_run.classes import Counts
from headcount_analysis.judge import Limits, judge
from headcount_analysis.measure.breakdown import Breakdown, Group
from headcount_analysis.measure.histogram import Measure
from headcount_analysis.measure.threshold_results import ThresholdResult
from headcount_analysis.report.exceptions import Exceptions
from headcount_analysis.report.model import Report
from headcount_analysis.report.page import hash_of, render
from headcount_analysis.report.page_tables import LONGEST_CELL

from headcount.run.address import without_secrets
from headcount.thresholds.grammar import parse
from tests.analysis.report.literal import HOSTILE, a_report, some_exceptions
from tests.analysis.test_judge import MANIFEST, SANE


class Outline(HTMLParser):
    """Collects the scripts, the policy, and what people who cannot see the page are told of it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.policy = ""
        self.headings: list[int] = []
        self.unnamed: list[str] = []
        self.headers_without_scope = 0
        self.tables = self.captions = 0
        self._in_script = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        given = dict(attrs)
        self._in_script = tag == "script"
        if tag == "meta" and given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"] or ""
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if given.get("role") in {"img", "region"} and not given.get("aria-label"):
            self.unnamed.append(tag)
        self.headers_without_scope += tag == "th" and "scope" not in given
        self.tables += tag == "table"
        self.captions += tag == "caption"

    def handle_data(self, data: str) -> None:
        """Keep what a script says."""
        if self._in_script:
            self.scripts.append(data)

    def handle_endtag(self, tag: str) -> None:
        """Note where a script ends."""
        self._in_script &= tag != "script"


def section(page: str, name: str) -> str:
    """Give what stands under a heading."""
    (found,) = re.findall(rf'<h2 id="{name}">.*?(?=<h2|</main>)', page, re.DOTALL)
    return str(found)


def test_the_one_script_is_allowed_by_its_hash() -> None:
    """And nothing else is: no other script, no network, no frame."""
    outline = Outline(render(a_report(), some_exceptions(lost=1)))
    (script,) = outline.scripts
    assert f"script-src '{hash_of(script)}';" in outline.policy
    assert outline.policy.startswith("default-src 'none';")
    assert "unsafe-inline" not in outline.policy.replace("style-src 'unsafe-inline'", "")
    assert Outline(render(a_report(), Exceptions())).scripts == []


def test_the_page_can_be_read_without_seeing_it() -> None:
    """Headings do not skip a level, and tables and pictures are named."""
    outline = Outline(render(a_report(), some_exceptions(lost=1)))
    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    steps = zip(outline.headings, outline.headings[1:], strict=False)
    assert all(later - one <= 1 for one, later in steps)
    assert (outline.unnamed, outline.headers_without_scope) == ([], 0)
    assert outline.tables == outline.captions > 5


def test_the_first_screen_says_what_matters() -> None:
    """Verdict, the sum of the classes, the promise, and what to look at first, in this order."""
    page = render(a_report(), Exceptions())
    header = page[page.index("<header>") : page.index("</header>")]
    places = [
        header.index(text)
        for text in (
            "FAIL",
            "11 attempted = 10 delivered + 1 lost",
            "acks=all",
            "What to look at first",
            "1 lost: acknowledged, and not in the topic",
        )
    ]
    assert places == sorted(places)


def test_both_rates_stand_beside_every_percentile() -> None:
    """At each table and picture of latencies, at what is held against thresholds, and on top."""
    parted = Breakdown((Group("generator", "0", Measure.HTTP, 11, (5.0,) * 4, 5.0),), 1)
    kept = ThresholdResult(parse("http.p99 < 300ms"), 12.0)
    page = render(replace(a_report(), breakdown=parted, thresholds=(kept,)), Exceptions())
    told = "target 10.0/s, achieved 9.5/s"
    latency = section(page, "latency")
    captions = re.findall("<caption>(.*?)</caption>", latency)
    texts = re.findall("<figcaption>(.*?)</figcaption>", latency)
    assert (len(captions), len(texts)) == (3, 4)
    assert all(told in each for each in (*captions, *texts, section(page, "thresholds")))
    header = page[: page.index("</header>")]
    assert "<dt>target</dt><dd>10.0/s</dd>" in header
    assert "<dt>achieved</dt><dd>9.5/s</dd>" in header


def test_a_busy_generator_is_told_beside_each_figure_that_it_spoils() -> None:
    """First of all, at the load, at the latency and at the generators; one that has time is not."""
    busy, idle = (render(a_report(cpu_percent=cpu), Exceptions()) for cpu in (99.0, 20.0))
    told = "generator: saturated: generator 0 used 90 % or more of a core in 30 of 30"
    assert told in busy[: busy.index("</header>")]
    for name in ("load", "latency", "generators"):
        assert told in section(busy, name)
        assert "1 of the workers that were asked for never began" in section(busy, name)
    assert "saturated" not in idle


def test_nothing_from_outside_is_markup() -> None:
    """Names, statuses and versions are anyone's, and as long as anyone likes."""
    report = a_report(scenario=HOSTILE + "x" * 10_000, topic=HOSTILE)
    page = render(report, some_exceptions(**{HOSTILE: 1, "y" * 1000: 1}))
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert") >= 4
    assert (
        "y" * (LONGEST_CELL + 1)
        not in section(page, "exceptions").split("<tbody>")[1].split("<td>")[1]
    )


def test_what_may_be_secret_is_left_out() -> None:
    """A password in an address or among the options is nobody's business."""
    report = a_report(
        host="https://me:hush@shop.test/api?token=hush", ledger="s3://id:hush@bucket/l"
    )
    page = render(report, Exceptions())
    assert "hush" not in page
    assert "https://shop.test/api" in page
    assert "s3://bucket/l" in page


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://a.test:80/x", "http://a.test:80/x"),
        ("http://a@b@c.test/x@y", "http://c.test/x@y"),
        ("s3://key:secret@bucket/a?region=b", "s3://bucket/a"),
        ("ledger", "ledger"),
        ("", ""),
    ],
)
def test_addresses_are_shown_without_secrets(url: str, told: str) -> None:
    """Whatever is no user and no query stays."""
    assert without_secrets(url) == told


def test_the_configuration_is_whole() -> None:
    """Options, limits, versions and the seed."""
    found = section(render(a_report(), Exceptions()), "configuration")
    for told in ("<dt>Seed</dt><dd>7</dd>", "<dt>processes</dt><dd>2</dd>", "<dt>locust</dt>"):
        assert told in found
    assert "<dt>tags</dt><dd>not set</dd>" in found
    assert "<dt>late</dt><dd>not judged</dd>" in found


def test_how_many_exceptions_are_shown_is_said() -> None:
    """Of how many, and how many there are of each class."""
    some = some_exceptions(lost=2, ghost=1)
    page = render(a_report(), replace(some, counts={"lost": 5_000, "ghost": 1}))
    found = section(page, "exceptions")
    assert "5,001 requests or ids are exceptions: 5,000 lost, 1 ghost. 3 are shown" in found
    assert found.count("<tr data-kind=") == 3
    assert '<option value="ghost">ghost (1)</option>' in found


def test_a_run_of_which_nothing_is_known_has_a_page() -> None:
    """As it must: what keeps it from being judged stands there."""
    judgement = judge(replace(SANE, problems=("it crashed",)), Limits())
    page = render(Report(MANIFEST, SANE.end, Limits(), judgement), Exceptions())
    assert "it crashed" in page[: page.index("</header>")]
    assert "Nothing could be counted." in page
    assert "Nothing was sent." in page


def test_few_acknowledged_attempts_are_on_the_first_screen() -> None:
    """Beside a pass, too: what is said of delivery is said of one in ten thousand."""
    counts = Counts(attempted=10_000, acked=1, failed=9_999, delivered=1, refused=9_999)
    evidence = replace(SANE, by_event_type={"default": counts})
    report = replace(a_report(), evidence=evidence, judgement=judge(evidence, Limits()))
    page = render(report, Exceptions())
    header = page[page.index("<header>") : page.index("</header>")]
    assert "PASS" in header
    assert "only 1 of 10000 attempts were acknowledged (0.01 %)" in header
