"""Locust's web UI with its Delivery tab, in a real browser, with the real parts."""

import json
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from headcount.stack.broker import Broker
from headcount.stack.ports import free_port, is_listening
from tests.e2e.browser import DEADLINE_S, Browser, chromium
from tests.e2e.command import left_by, open_beyond_loopback
from tests.headcount.plugin.counting_service import counting_service

pytestmark = pytest.mark.e2e

PASSWORD = "let me in"  # noqa: S105 - of this test alone
LOGIN = Path(__file__).with_name("login_locustfile.py")


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    """A browser for the test."""
    with chromium(tmp_path / "profile") as browser:
        yield browser


@contextmanager
def up(reports: Path) -> Iterator[str]:
    """Run `headcount up` for the block, with a port for the web UI; yield the UI's address."""
    port = str(free_port())
    command = [sys.executable, "-m", "headcount", "up", "--reports-dir", str(reports)]
    command += ["--", "--web-port", port]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = re.search(r"http://\S+", process.stdout.readline())
            assert address is not None
            assert address[0].endswith(f":{port}")
            yield address[0]
            assert open_beyond_loopback(process.pid) == set()
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(DEADLINE_S)


def start(browser: Browser, **fields: str) -> None:
    """Fill in the start form, and submit it."""
    for name, value in {"userCount": "10", "spawnRate": "10", **fields}.items():
        browser.fill(name, value)
    browser.click("button[type=submit]", "start")


@pytest.mark.slow
def test_from_the_form_to_the_report(browser: Browser, tmp_path: Path) -> None:
    """A mistake is shown at its field; counts rise; those of the verdict replace them.

    Our own pages, and our parts of Locust's, have no fault of accessibility.
    """
    reports = tmp_path / "reports"
    before = set(psutil.pids())
    with up(reports) as address:
        browser.open(address)
        browser.click(".headcount-form summary")
        start(browser, thresholds="htp.p99 < 3s")
        assert "»htp«.p99 < 3s" in browser.see("[role=alert]", "thresholds")
        assert "»htp«.p99 < 3s" in browser.see("#headcount-thresholds-mistake")
        assert browser.accessibility_faults(".headcount-form") == []
        fields = {"thresholds": "http.p99 < 30s; lost == 0 abort", "seed": "7", "mix": "sword=1"}
        start(browser, **fields)
        browser.click("[role=tab]", "delivery")
        with browser.within("iframe"):
            browser.see("#stage", "running")
            seen = browser.number("#generated", 1)
            browser.number("#generated", seen + 20)
            browser.number("#arrived", 20)
            browser.see("#lines th", "purchase_sword")
            browser.see("#chart svg path")
            check_explanations(browser)
            assert browser.accessibility_faults() == []
        check_the_theme(browser)
        browser.click("button", "stop")
        with browser.within("iframe"):
            browser.see("#stage", "pass")
            total = browser.number("#generated", seen)
            assert browser.number("#delivered", total) == total
            assert f"{total:,} attempted = {total:,} delivered" in browser.see("#sum")
            assert "lost == 0 abort" in browser.see("#thresholds")
            assert browser.accessibility_faults() == []
            report = browser.link("#links a", "open report")
            run_id = re.findall(r"runs/([^/]+)/", report)[0]
        assert "button-name" not in " ".join(browser.accessibility_faults("body"))
        check_the_report(browser, report, run_id, total)
        check_past_runs(browser, address, run_id)
        check_metrics(address, total)
        assert browser.console_errors() == []
    verdict = json.loads((reports / run_id / "verdict.json").read_text())
    assert (verdict["verdict"], verdict["counts"]["attempted"]) == ("pass", total)
    assert [threshold["text"] for threshold in verdict["thresholds"]] == fields["thresholds"].split(
        "; "
    )
    assert (verdict["options"]["seed"], verdict["options"]["mix"]) == (7, "sword=1")
    assert left_by(reports, before) == []


TOGGLE = "[...document.querySelectorAll('header button')].at(-1).click()"
PAPER = """
const frame = document.querySelector("iframe").contentWindow;
return frame.getComputedStyle(frame.document.body).backgroundColor;
"""
LIGHT, DARK = "rgb(255, 255, 255)", "rgb(18, 18, 18)"


def check_explanations(browser: Browser) -> None:
    """A name is explained, the chart shows a second's values, and its legend hides a line."""
    browser.hover("#tiles .explained", "missing")
    browser.see("#tip", "acknowledged events that had time to arrive")
    browser.hover("#chart svg")
    browser.see("#chart-text", "acknowledged ·")
    browser.click("#legend button", "acknowledged")
    browser.hover("#chart svg")
    browser.see("#chart-text", "attempted · ")
    assert "acknowledged" not in browser.see("#chart-text")


def check_the_theme(browser: Browser) -> None:
    """The tab follows when Locust's theme is changed, there and back."""
    for paper in (DARK, LIGHT):
        browser.driver.execute_script(TOGGLE)
        wait_until(lambda: browser.driver.execute_script(PAPER) == paper)  # noqa: B023 - called here


def check_the_report(browser: Browser, report: str, run_id: str, total: int) -> None:
    """The report is that of the run, and has its counts."""
    browser.open(report)
    assert run_id in browser.see("h1")
    assert "PASS" in browser.see(".verdict")
    assert f"{total:,} attempted = {total:,} delivered" in browser.see(".sum")
    assert browser.accessibility_faults() == []


def check_metrics(address: str, total: int) -> None:
    """On the web UI's port, Prometheus finds the requests of the run, and its verdict."""
    place = address.removeprefix("http://")
    with urllib.request.urlopen(f"http://{place}/metrics", timeout=DEADLINE_S) as response:
        page = response.read().decode()
    requests = re.findall(r"^headcount_requests_total\{.*\} (\S+)$", page, re.MULTILINE)
    assert sum(map(float, requests)) == total
    assert 'headcount_verdict{verdict="pass"} 1.0' in page


def check_past_runs(browser: Browser, address: str, run_id: str) -> None:
    """The run is listed with its verdict, and opens side by side; Locust's dark theme applies."""
    browser.open(address)
    browser.driver.execute_script("localStorage.theme = 'dark'")
    browser.open(f"{address}/headcount/runs")
    assert "PASS" in browser.see("tr", run_id)
    browser.see("#selected", "0 of 2 selected")
    browser.click("input[name=run]")
    browser.see("#selected", "1 of 2 selected")
    assert browser.accessibility_faults() == []
    dark = browser.driver.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert dark == DARK
    browser.open(f"{address}/headcount/side-by-side?run={run_id}&run={run_id}")
    assert browser.accessibility_faults() == []
    with browser.within("iframe"):
        assert run_id in browser.see("h1")


@contextmanager
def distributed(broker: Broker, topic: str, host: str, reports: Path) -> Iterator[str]:
    """Run a master below a path and behind a login, with a worker; yield the master's URL."""
    port, link = free_port(), free_port()
    common = [sys.executable, "-m", "locust", "-f", str(LOGIN), "--host", host]
    common += ["--bootstrap-servers", broker.bootstrap_servers, "--topic", topic]
    common += ["--reports-dir", str(reports)]
    master = ["--master", "--master-bind-port", str(link), "--web-host", "127.0.0.1"]
    master += ["--web-port", str(port), "--web-base-path", "/load", "--web-login"]
    worker = ["--worker", "--master-port", str(link)]
    with (
        subprocess.Popen([*common, *master]) as first,
        subprocess.Popen([*common, *worker]) as other,
    ):
        try:
            yield f"http://127.0.0.1:{port}/load/"
        finally:
            for process in (first, other):
                process.send_signal(signal.SIGTERM)
                process.wait(DEADLINE_S)


def status_of(url: str) -> int:
    """The status code without a login, and without following redirects."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    try:
        answer = urllib.request.build_opener(Stay).open(url, timeout=DEADLINE_S)
    except urllib.error.HTTPError as error:
        return error.code
    with answer:
        return int(answer.status)


IS_WORKER_READY = """
const done = arguments[0];
fetch("./stats/requests").then((answer) => answer.json()).then(
  (stats) => done((stats.workers || []).some((worker) => worker.state === "ready")),
  () => done(false));
"""
PAGES = ("delivery", "delivery.json", "runs", "runs/a-run/report.html", "start-form.html")


@pytest.mark.heavy
def test_a_distributed_test_behind_a_login_stops_itself(
    browser: Browser, broker: Broker, topic: str, tmp_path: Path
) -> None:
    """The service publishes nothing: events are missing, and the test is stopped."""
    with (
        counting_service() as service,
        distributed(broker, topic, service.url, tmp_path / "reports") as address,
    ):
        wait_until(lambda: is_listening(int(address.split(":")[2].split("/")[0])))
        assert {status_of(f"{address}headcount/{page}") for page in PAGES} == {302}
        browser.open(address)
        browser.fill("username", "tester")
        browser.fill("password", PASSWORD)
        browser.click("button[type=submit]")
        wait_until(lambda: bool(browser.driver.execute_async_script(IS_WORKER_READY)))
        browser.click(".headcount-form summary")
        start(browser, thresholds="lost == 0 abort")
        browser.click("[role=tab]", "delivery")
        with browser.within("iframe"):
            browser.number("#missing", 1)
            browser.see("#notices", "The test was stopped by a threshold: lost == 0 abort")
            browser.see("#stage", "inconclusive")
            browser.see("#reasons", "lost")
            browser.see("#thresholds tr", "and the test was stopped")
        assert browser.console_errors() == []
    (folder,) = (tmp_path / "reports").iterdir()
    assert json.loads((folder / "verdict.json").read_text())["thresholds"][0]["holds"] is False


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
