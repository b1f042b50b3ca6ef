"""A real browser, Debian's Chromium, and the pages of Locust's web UI as a person uses them."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    NoSuchFrameException,
    StaleElementReferenceException,
)
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tests.needs import lacking

T = TypeVar("T")

DEADLINE_S = 120.0
_FOR_NOW = (
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
    """Start a browser with a profile of its own; skip the test where there is none."""
    programs = shutil.which("chromium"), shutil.which("chromedriver")
    if None in programs:
        lacking("there is no browser: apt-get install chromium chromium-driver")
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
    """What a person does with a page; every look waits until there is something to see.

    No element, and no frame, is kept from one look to the next: the page may replace it at any
    time, and in a frame that was replaced there is nothing, for ever.
    """

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver
        self._frame = ""
        self._wait = WebDriverWait(driver, DEADLINE_S, 0.2, ignored_exceptions=[*_FOR_NOW])

    def open(self, url: str) -> None:
        """Go to a page."""
        self.driver.get(url)

    def see(self, css: str, text: str = "") -> str:
        """All that the first visible element says that has a text, in any case of letters."""
        return self._on_first(css, text, lambda element: element.text)

    def link(self, css: str, text: str) -> str:
        """Where a link leads."""
        return self._on_first(css, text, lambda element: element.get_attribute("href") or "")

    def click(self, css: str, text: str = "") -> None:
        """Click on it, wherever on the page it is."""

        def do(element: WebElement) -> None:
            self._scroll_to(element)
            element.click()

        self._on_first(css, text, do)

    def fill(self, name: str, value: str) -> None:
        """Write into a field of a form, in place of what is there."""

        def do(field: WebElement) -> None:
            self._scroll_to(field)
            field.send_keys(Keys.CONTROL, "a")
            field.send_keys(value)

        self._on_first(f"input[name={name}]", "", do)

    def number(self, css: str, at_least: int) -> int:
        """Wait until an element shows a number that is as large, and return it."""
        shown: int = self._wait.until(
            lambda _: (value := _number(self.see(css))) >= at_least and value,
            f"waited in vain until {css} is {at_least} or more",
        )
        return shown

    def _on_first(self, css: str, text: str, do: Callable[[WebElement], T]) -> T:
        """Do it with the first visible element that has a text: anew if that is replaced."""
        done: list[T] = self._wait.until(
            lambda _: [do(each) for each in self._visible(css, text)],
            f"waited in vain for {css} with {text!r}",
        )
        return done[0]

    def _visible(self, css: str, text: str) -> list[WebElement]:
        """The first where it is looked, or none."""
        self.driver.switch_to.default_content()
        if self._frame:
            frames = self._displayed(self._frame)
            if not frames:
                return []
            self.driver.switch_to.frame(frames[0])
        found = (each for each in self._displayed(css) if text.lower() in each.text.lower())
        return list(itertools.islice(found, 1))

    def _displayed(self, css: str) -> list[WebElement]:
        found = self.driver.find_elements(By.CSS_SELECTOR, css)
        return [each for each in found if each.is_displayed() and each.is_enabled()]

    def _scroll_to(self, element: WebElement) -> None:
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)

    @contextmanager
    def within(self, css: str) -> Iterator[None]:
        """Look into a frame."""
        self._frame = css
        try:
            yield
        finally:
            self._frame = ""
            self.driver.switch_to.default_content()

    def complaints(self) -> list[str]:
        """What the browser's console has complained of."""
        logged = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        told = [each["message"] for each in logged if each["level"] == "SEVERE"]
        return [each for each in told if "favicon.ico" not in each]


def _number(text: str) -> int:
    digits = text.replace(",", "")
    return int(digits) if digits.isdecimal() else -1
