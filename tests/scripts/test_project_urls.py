"""The URLs in the packages' metadata: of the repository that the checkout was cloned from."""

import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.project_urls import ProjectUrls, project_urls, web_address

HOME = "https://git.acme.io/team/headcount"
URLS = {
    "Source": HOME,
    "Documentation": f"{HOME}/tree/HEAD/docs",
    "Issues": f"{HOME}/issues",
    "Changelog": f"{HOME}/blob/HEAD/CHANGELOG.md",
}


def cloned(folder: Path, origin: str) -> None:
    """Make the folder a repository with this remote."""
    git = shutil.which("git")
    assert git is not None
    for arguments in (["init", "--quiet"], ["remote", "add", "origin", origin]):
        subprocess.run([git, "-C", str(folder), *arguments], check=True)


@pytest.mark.parametrize(
    "remote",
    [
        f"{HOME}.git",
        f"{HOME}/",
        "https://alice:secret@git.acme.io/team/headcount.git",
        "https://alice:p@ss:word@git.acme.io/team/headcount.git",
        f"{HOME}.git?token=secret#secret",
        "git@git.acme.io:team/headcount.git",
        "ssh://git@git.acme.io:2222/team/headcount.git",
    ],
)
def test_a_remote_has_a_page(remote: str) -> None:
    """Each way to write a remote gives the same page, without a login and its password."""
    assert web_address(remote) == HOME


def test_a_page_has_the_port_and_the_scheme_of_the_web() -> None:
    """The port of ssh is not carried over."""
    assert web_address("http://git.acme.io:3000/x/y.git") == "http://git.acme.io:3000/x/y"


@pytest.mark.parametrize(
    "remote",
    [
        *("", "/srv/git/headcount.git", "../headcount", "file:///srv/x", "C:\\headcount"),
        *("http://localhost:3000/x/y", "http://127.0.0.1:3000/x/y", "https://[::1]/x/y"),
    ],
)
def test_a_remote_of_this_machine_has_none(remote: str) -> None:
    """A path is no link for others."""
    assert web_address(remote) is None


@pytest.mark.parametrize(
    "remote",
    [
        "https://alice:p/word@git.acme.io/x",
        "https://alice:p@ss/word@git.acme.io/x",
        "https://to/ken:x@git.acme.io/x",
        "alice@corp:secret@git.acme.io:x/y",
        "https://proxy.acme.io/https://alice:secret@git.acme.io/x/y.git",
        "https://[x",
    ],
)
def test_a_remote_that_could_hold_a_login_has_none(remote: str) -> None:
    """What is not surely a page may be a part of a password."""
    assert web_address(remote) is None


def test_a_clone(tmp_path: Path) -> None:
    """Its packages name the repository it was cloned from."""
    assert project_urls(tmp_path) == {}
    cloned(tmp_path, f"{HOME}.git")
    metadata: dict[str, object] = {}
    ProjectUrls(str(tmp_path), {}).update(metadata)
    assert metadata == {"urls": URLS}


def test_a_folder_inside_another_repository(tmp_path: Path) -> None:
    """The repository around an unpacked copy is not the copy's home."""
    cloned(tmp_path, "https://git.acme.io/team/shop")
    (tmp_path / "vendor").mkdir()
    assert project_urls(tmp_path / "vendor") == {}


def test_a_source_distribution(tmp_path: Path) -> None:
    """It keeps the URLs that its own metadata have."""
    lines = [f"Project-URL: {label}, {url}\n" for label, url in URLS.items()]
    (tmp_path / "PKG-INFO").write_text(f"Metadata-Version: 2.4\n{''.join(lines)}\nThe text.\n")
    assert project_urls(tmp_path) == URLS
