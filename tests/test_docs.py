"""The pages: generated parts match the code, and links and options exist."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = (
    *(ROOT / "README.md", ROOT / "CONTRIBUTING.md"),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "examples").glob("*/README.md")),
)
CODE = ("headcount", "analysis", "service", "locustfiles")

FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]")

FOREIGN_OPTIONS = {
    "--build": "docker compose",
    "--compile-bytecode": "uv",
    "--for": "kubectl",
    "--jars": "spark-submit",
    "--no-compile": "pip",
    "--prefix": "npm",
    "--scale": "docker compose",
    "--profile": "docker compose",
    "--replicas": "kubectl",
    "--rm": "docker compose",
    "--volumes": "docker compose",
}
"""Options in the pages that belong to other programs."""


@pytest.fixture(scope="module")
def known_options() -> set[str]:
    """Every option of a command, of Locust with the plugin, of a locustfile or of a script."""
    # Locust patches the standard library when it is imported, so it runs in a separate process.
    ours = _output("-c", "from scripts.options import *; print(*option_names(), sep='\\n')")
    locusts = _output("-m", "locust", "--help")
    named = {*ours.split(), *OPTION.findall(locusts)}
    folders = ("locustfiles", "bench", "scripts", "tests/faults")
    texts = (path.read_text() for name in folders for path in (ROOT / name).rglob("*.py"))
    return named | {option for text in texts for option in OPTION.findall(text)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """A relative link names a file, and its fragment a heading there."""
    broken = [link for link in _links(page) if not _leads_somewhere(page, link)]
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_option_exists(page: Path, known_options: set[str]) -> None:
    """A page mentions no renamed or removed option."""
    mentioned = set(OPTION.findall(page.read_text()))
    assert sorted(mentioned - known_options - FOREIGN_OPTIONS.keys()) == []


def test_generated_pages_match_the_code() -> None:
    """options.md and environment.md are regenerated when an option or a setting changes."""
    _output("-m", "scripts.options", "--check")


def test_every_variable_of_the_code_is_documented() -> None:
    """Every HEADCOUNT_ variable that a module reads is on the page."""
    page = (ROOT / "docs" / "environment.md").read_text()
    texts = (path.read_text() for folder in CODE for path in (ROOT / folder).rglob("*.py"))
    read = {name for text in texts for name in re.findall(r"HEADCOUNT_[A-Z_]*[A-Z]", text)}
    assert sorted(name for name in read if f"`{name}`" not in page) == []


def test_the_site_builds(tmp_path: Path) -> None:
    """In MkDocs' strict mode, every page is in the navigation and every link has a target."""
    _output("-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path))
    for name in ("index.html", "options.html", "search/search_index.js"):
        assert (tmp_path / name).is_file()


def test_the_site_needs_no_network(tmp_path: Path) -> None:
    """No page loads a script, a style or a font from elsewhere."""
    _output("-m", "mkdocs", "build", "--quiet", "--site-dir", str(tmp_path))
    loads = re.compile(r"<(?:script|link|img)\b[^>]*(?:src|href)=\"?(?:https?:)?//[^\s\">]+")
    pages = {path.name: loads.findall(path.read_text()) for path in tmp_path.rglob("*.html")}
    assert {name: urls for name, urls in pages.items() if urls} == {}


def _output(*arguments: str) -> str:
    result = subprocess.run(
        (sys.executable, *arguments), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    return result.stdout


def _links(page: Path) -> Iterator[str]:
    for link in LINK.findall(FENCE.sub("", page.read_text())):
        if not link.startswith(("http://", "https://", "mailto:")):
            yield link


def _leads_somewhere(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    return target.exists() and (not anchor or anchor in _anchors(target))


def _anchors(page: Path) -> set[str]:
    """Return the anchors of the headings, as GitHub and the site make them."""
    headings = re.findall(r"^#+ +(.+?) *$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}
