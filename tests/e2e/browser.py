"""A real browser, Debian's Chromium, for using Locust's web UI as a person does."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    NoSuchFrameException,
    StaleElementReferenceException,
)
from selenium.webdriver import ActionChains, Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tests.needs import lacking

T = TypeVar("T")

DEADLINE_S = 120.0
_AXE = (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
_FIND_FAULTS = """
const [part, done] = arguments;
const text = ({id, nodes}) => `${id}: ${nodes[0].html}`;
axe.run(part).then(({violations}) => done(violations.map(text)));
"""
_TRANSIENT = (
    *(ElementClickInterceptedException, ElementNotInteractableException),
    *(NoSuchFrameException, StaleElementReferenceException),
)
_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--window-size=1280,1100", "--disable-dev-shm-usage"),
)


@contextmanager
def chromium(profile: Path) -> Iterator["Browser"]:
    """Start a browser with its own profile; skip the test if there is no browser."""
    programs = shutil.which("chromium"), shutil.which("chromedriver")
    if None in programs:
        lacking("no browser is installed: apt-get install chromium chromium-driver")
    options = ChromeOptions()
    options.binary_location = str(programs[0])
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    driver = Chrome(options=options, service=Service(programs[1]))
    try:
        yield Browser(driver)
    finally:
        driver.quit()


class Browser:
    """Uses a page as a person does; every method waits for the element that it needs.

    It keeps no element or frame between calls: the page may replace it at any time, and a replaced
    frame stays empty.
    """

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver
        self._frame = ""
        self._wait = WebDriverWait(driver, DEADLINE_S, 0.2, ignored_exceptions=[*_TRANSIENT])

    def open(self, url: str) -> None:
        """Go to a page."""
        self.driver.get(url)

    def see(self, css: str, text: str = "") -> str:
        """The whole text of the first visible element that contains `text`, ignoring case."""
        return self._on_first(css, text, lambda element: element.text)

    def link(self, css: str, text: str) -> str:
        """The URL of a link."""
        return self._on_first(css, text, lambda element: element.get_attribute("href") or "")

    def click(self, css: str, text: str = "") -> None:
        """Scroll to an element, and click on it."""

        def do(element: WebElement) -> None:
            self._scroll_to(element)
            element.click()

        self._on_first(css, text, do)

    def hover(self, css: str, text: str = "") -> None:
        """Scroll to an element, and move the pointer onto it."""

        def do(element: WebElement) -> None:
            self._scroll_to(element)
            ActionChains(self.driver).move_to_element(element).perform()

        self._on_first(css, text, do)

    def fill(self, name: str, value: str) -> None:
        """Replace the value of a form field."""

        def do(field: WebElement) -> None:
            self._scroll_to(field)
            field.send_keys(Keys.CONTROL, "a")
            field.send_keys(value)

        self._on_first(f"input[name={name}]", "", do)

    def number(self, css: str, at_least: int) -> int:
        """Wait until an element shows a number of at least `at_least`, and return it."""
        shown: int = self._wait.until(
            lambda _: (value := _number(self.see(css))) >= at_least and value,
            f"timed out waiting until {css} is {at_least} or more",
        )
        return shown

    def _on_first(self, css: str, text: str, do: Callable[[WebElement], T]) -> T:
        """Call `do` on the first visible element that contains `text`; retry if it is replaced."""
        done: list[T] = self._wait.until(
            lambda _: [do(element) for element in self._visible(css, text)],
            f"timed out waiting for {css} with {text!r}",
        )
        return done[0]

    def _visible(self, css: str, text: str) -> list[WebElement]:
        """The first visible element in the current frame, or none."""
        self.driver.switch_to.default_content()
        if self._frame:
            frames = self._displayed(self._frame)
            if not frames:
                return []
            self.driver.switch_to.frame(frames[0])
        matching = (
            element for element in self._displayed(css) if text.lower() in element.text.lower()
        )
        return list(itertools.islice(matching, 1))

    def _displayed(self, css: str) -> list[WebElement]:
        elements = self.driver.find_elements(By.CSS_SELECTOR, css)
        return [element for element in elements if element.is_displayed() and element.is_enabled()]

    def _scroll_to(self, element: WebElement) -> None:
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)

    @contextmanager
    def within(self, css: str) -> Iterator[None]:
        """Use a frame for the block."""
        self._frame = css
        try:
            yield
        finally:
            self._frame = ""
            self.driver.switch_to.default_content()

    def accessibility_faults(self, part: str = "body") -> list[str]:
        """The faults that axe finds in a visible part of the page or of the frame in use."""

        def find(_: WebElement) -> list[str]:
            self.driver.execute_script(_AXE)
            faults: list[str] = self.driver.execute_async_script(_FIND_FAULTS, part)
            return faults

        return self._on_first(part, "", find)

    def console_errors(self) -> list[str]:
        """The errors on the browser's console, except for a missing favicon."""
        logged = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        errors = [entry["message"] for entry in logged if entry["level"] == "SEVERE"]
        return [error for error in errors if "favicon.ico" not in error]


def _number(text: str) -> int:
    digits = text.replace(",", "")
    return int(digits) if digits.isdecimal() else -1
