"""The page: what comes first, which script may run, and that nothing from outside can."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from headcount_analysis.classes_and_flags import Counts
from headcount_analysis.judge import Limits, judge
from headcount_analysis.measure.breakdown import Breakdown, Group
from headcount_analysis.measure.histogram import Measure
from headcount_analysis.measure.threshold_results import ThresholdResult
from headcount_analysis.report.html import svg
from headcount_analysis.report.html.exception_table import LONGEST_CELL
from headcount_analysis.report.html.page import render
from headcount_analysis.report.html.page_files import CHART_SCRIPTS, hashes_of
from headcount_analysis.report.model import Report
from headcount_analysis.report.shown_exceptions import Exceptions

from headcount.run.address import without_secrets
from headcount.thresholds.grammar import parse
from tests.analysis.judge.test_judge import SANE
from tests.analysis.report.literal import HOSTILE, a_report, some_exceptions
from tests.manifests import MANIFEST


class Outline(HTMLParser):
    """Collects the scripts, the policy, and the accessibility features of a page."""

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
        """Record a tag."""
        attributes = dict(attrs)
        self._in_script = tag == "script" and "type" not in attributes
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = attributes["content"] or ""
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if attributes.get("role") in {"img", "region"} and not attributes.get("aria-label"):
            self.unnamed.append(tag)
        self.headers_without_scope += tag == "th" and "scope" not in attributes
        self.tables += tag == "table"
        self.captions += tag == "caption"

    def handle_data(self, data: str) -> None:
        """Record the text of a script."""
        if self._in_script:
            self.scripts.append(data)

    def handle_endtag(self, tag: str) -> None:
        """Record the end of a script."""
        self._in_script &= tag != "script"


def section(page: str, name: str) -> str:
    """Return the section under a heading."""
    (content,) = re.findall(rf'<h2 id="{name}">.*?(?=<h2|</main>)', page, re.DOTALL)
    return str(content)


def header_of(page: str) -> str:
    """Return the first screen."""
    return page[page.index("<header") : page.index("</header>")]


def test_only_our_scripts_are_allowed_by_their_hashes() -> None:
    """Nothing else is allowed: no other script, no network, no frame."""
    outline = Outline(render(a_report(), some_exceptions(lost=1)))
    assert len(outline.scripts) == 3
    assert f"script-src {hashes_of(outline.scripts)};" in outline.policy
    assert outline.policy.startswith("default-src 'none';")
    assert "unsafe-inline" not in outline.policy.replace("style-src 'unsafe-inline'", "")


def test_the_share_of_the_charts_is_small() -> None:
    """Their script and style are on every page."""
    files = (*CHART_SCRIPTS, "charts.css")
    sizes = [Path(svg.__file__).with_name(name).stat().st_size for name in files]
    assert sum(sizes) < 40_000


def test_the_page_can_be_read_without_seeing_it() -> None:
    """Headings skip no level, and tables and charts have names."""
    outline = Outline(render(a_report(), some_exceptions(lost=1)))
    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    steps = zip(outline.headings, outline.headings[1:], strict=False)
    assert all(later - one <= 1 for one, later in steps)
    assert (outline.unnamed, outline.headers_without_scope) == ([], 0)
    assert outline.tables == outline.captions > 5


def test_the_first_screen_says_what_matters() -> None:
    """Facts, verdict, what broke, the sum of the classes and headline figures, in this order."""
    header = header_of(render(a_report(), Exceptions()))
    places = [
        header.index(text)
        for text in (
            "2026-11-23 22:15:30 UTC",
            "acks=all",
            "FAIL",
            "1 lost",
            "acknowledged, but not in the topic",
            "9.09 % of acknowledged, 1 in 11",
            "11 attempted",
            "10 delivered",
            "<dl",
        )
    ]
    assert places == sorted(places)


def test_the_navigation_has_the_label_and_leads_to_sections() -> None:
    """Every anchor of the page exists, including those of sentences and tiles."""
    page = render(a_report(), some_exceptions(lost=1))
    nav = page[page.index("<nav") : page.index("</nav>")]
    assert "✗ FAIL" in nav
    anchors = {link.partition("?")[0] for link in re.findall(r'href="#([^"]+)"', page)}
    assert {"top", "event-types", "exceptions", "latency"} <= anchors
    assert anchors <= set(re.findall(r'id="([^"]+)"', page))


def test_both_rates_stand_beside_every_percentile() -> None:
    """They are at each table and chart of latencies, at the thresholds, and at the top."""
    parted = Breakdown((Group("generator", "0", Measure.HTTP, 11, (5.0,) * 3, 5.0),), 1)
    kept = ThresholdResult(parse("http.p99 < 300ms"), 12.0)
    page = render(replace(a_report(), breakdown=parted, thresholds=(kept,)), Exceptions())
    rates = "target 10.0/s, achieved 9.5/s"
    latency = section(page, "latency")
    captions = re.findall("<caption>(.*?)</caption>", latency)
    texts = re.findall("<figcaption>(.*?)</figcaption>", latency)
    assert (len(captions), len(texts)) == (3, 3)
    assert all(rates in text for text in (*captions, *texts, section(page, "thresholds")))
    assert rates in section(page, "event-types")
    assert "<dd>9.5/s<small>target 10.0/s</small></dd>" in header_of(page)


def test_a_busy_generator_is_noted_once() -> None:
    """The note is on the first screen, with its cause; an idle generator has none."""
    busy, idle = (render(a_report(cpu_percent=cpu), Exceptions()) for cpu in (99.0, 20.0))
    note = "he load generator was overloaded because the scenario needs more than one core: "
    assert header_of(busy).count(note) == busy.count(note) == 1
    missing = "1 of the requested workers never started"
    assert header_of(busy).count(missing) == busy.count(missing) == 1
    assert "overloaded" not in idle


def test_nothing_from_outside_is_markup() -> None:
    """Names, statuses and versions can be any text of any length."""
    report = a_report(scenario=HOSTILE + "x" * 10_000, topic=HOSTILE)
    some = some_exceptions(lost=1, ghost=1)
    some.shown.loc[0, ["event_type", "server"]] = HOSTILE
    some.shown.loc[1, ["id", "server"]] = "y" * 1000
    page = render(report, some)
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert") >= 4
    cells = section(page, "exceptions").split("<tbody")[2].split("<td")[1:]
    assert any("y" * LONGEST_CELL in cell for cell in cells)
    assert not any("y" * (LONGEST_CELL + 1) in cell for cell in cells)


def test_possible_secrets_are_left_out() -> None:
    """Passwords in addresses and options do not appear on the page."""
    report = a_report(
        host="https://me:hush@shop.test/api?token=hush", ledger="s3://id:hush@bucket/l"
    )
    page = render(report, Exceptions())
    assert "hush" not in page
    assert "https://shop.test/api" in page
    assert "s3://bucket/l" in page


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://a.test:80/x", "http://a.test:80/x"),
        ("http://a@b@c.test/x@y", "http://c.test/x@y"),
        ("s3://key:secret@bucket/a?region=b", "s3://bucket/a"),
        ("ledger", "ledger"),
        ("", ""),
    ],
)
def test_addresses_are_shown_without_secrets(url: str, shown: str) -> None:
    """Everything except user and query stays."""
    assert without_secrets(url) == shown


def test_the_configuration_is_complete() -> None:
    """It has options, limits, versions and the seed."""
    content = section(render(a_report(), Exceptions()), "configuration")
    for fact in ("<dt>Seed</dt><dd>7</dd>", "<dt>processes</dt><dd>2</dd>", "<dt>locust</dt>"):
        assert fact in content
    assert "<dt>tags</dt><dd>not set</dd>" in content
    assert "<dt>late</dt><dd>not judged</dd>" in content


def test_the_page_counts_the_exceptions() -> None:
    """It gives the count of each class, with links, and how many are shown."""
    some = some_exceptions(lost=2, ghost=1)
    page = render(a_report(), replace(some, counts={"lost": 5_000, "ghost": 1}))
    content = section(page, "exceptions")
    assert "3 of 5,001 are listed below, up to 150 of each kind" in content
    assert 'href="#exceptions?class=lost">5,000 lost</a>' in content
    assert content.count("<tbody data-class=") == 3
    assert '<option value="ghost">1 ghost</option>' in content


def test_a_run_without_evidence_has_a_page() -> None:
    """The page says why the run could not be judged."""
    judgement = judge(replace(SANE, problems=("it crashed",)), Limits())
    page = render(Report(MANIFEST, SANE.end, Limits(), judgement), Exceptions())
    assert "It crashed" in page[: page.index("</header>")]
    assert "Nothing could be counted." in page
    assert "Nothing was sent." in page


def test_few_acknowledged_attempts_are_on_the_first_screen() -> None:
    """Even with a pass: the verdict then covers only one attempt in ten thousand."""
    counts = Counts(attempted=10_000, acked=1, failed=9_999, delivered=1, refused=9_999)
    evidence = replace(SANE, by_event_type={"default": counts})
    report = replace(a_report(), evidence=evidence, judgement=judge(evidence, Limits()))
    header = header_of(render(report, Exceptions()))
    assert "PASS" in header
    assert "Only 1 of 10,000 attempts were acknowledged (0.01 %)" in header
