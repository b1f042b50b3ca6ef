"""A real browser, Debian's Chromium, and the pages of Locust's web UI as a person uses them."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tests.needs import lacking

DEADLINE_S = 120.0
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
    """What a person does with a page; every look waits until there is something to see."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver
        self._wait = WebDriverWait(
            driver, DEADLINE_S, 0.2, ignored_exceptions=[StaleElementReferenceException]
        )

    def open(self, url: str) -> None:
        """Go to a page."""
        self.driver.get(url)

    def find(self, css: str, text: str = "") -> WebElement:
        """The first visible element that has a text, in any case of letters."""
        found = self._wait.until(
            lambda _: self._visible(css, text), f"waited in vain for {css} with {text!r}"
        )
        assert isinstance(found, WebElement)
        return found

    def _visible(self, css: str, text: str) -> WebElement | Literal[False]:
        for each in self.driver.find_elements(By.CSS_SELECTOR, css):
            if each.is_displayed() and each.is_enabled() and text.lower() in each.text.lower():
                return each
        return False

    def click(self, css: str, text: str = "") -> None:
        """Click on it, wherever on the page it is."""
        element = self.find(css, text)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def fill(self, name: str, value: str) -> None:
        """Write into a field of a form, in place of what is there."""
        field = self.find(f"input[name={name}]")
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", field)
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(value)

    def number(self, css: str, at_least: int) -> int:
        """Wait until an element shows a number that is as large, and return it."""
        shown: int = self._wait.until(
            lambda _: (value := _number(self.find(css).text)) >= at_least and value,
            f"waited in vain until {css} is {at_least} or more",
        )
        return shown

    @contextmanager
    def within(self, css: str) -> Iterator[None]:
        """Look into a frame."""
        self.driver.switch_to.frame(self.find(css))
        try:
            yield
        finally:
            self.driver.switch_to.default_content()

    def complaints(self) -> list[str]:
        """What the browser's console has complained of."""
        logged = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        told = [each["message"] for each in logged if each["level"] == "SEVERE"]
        return [each for each in told if "favicon.ico" not in each]


def _number(text: str) -> int:
    digits = text.replace(",", "")
    return int(digits) if digits.isdecimal() else -1
