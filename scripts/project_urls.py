"""The project's URLs in the metadata of its packages: those of the repository it was cloned from.

So the packages of a fork name the fork. A source distribution has no repository, and keeps the URLs
that it was built with. Without either there are none.
"""

import email
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hatchling.metadata.plugin.interface import MetadataHookInterface

_SCP_LIKE = re.compile(r"[^@/:]+@([^@/:]+):/*(.+)")
"""A remote as ssh has it: `user@host:path`."""

_HOST = re.compile(r"(?!localhost$|127\.)[\w.-]+")
_OF_PAGES = {"https", "http"}
_SCHEMES = {*_OF_PAGES, "ssh", "git"}

_PAGES = {
    "Source": "",
    "Documentation": "/tree/HEAD/docs",
    "Issues": "/issues",
    "Changelog": "/blob/HEAD/CHANGELOG.md",
}
"""Where GitHub and GitLab have these pages, below the repository's own."""


class ProjectUrls(MetadataHookInterface):
    """Called by hatchling when it builds a distribution."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill in `urls`."""
        metadata["urls"] = project_urls(Path(self.root))


def project_urls(folder: Path) -> dict[str, str]:
    """Return the URLs by their labels; none if the checkout was not cloned from the web."""
    if (folder / "PKG-INFO").exists():
        kept = email.message_from_bytes((folder / "PKG-INFO").read_bytes())
        pairs = (line.partition(", ") for line in kept.get_all("Project-URL", ()))
        return {label: url for label, _, url in pairs}
    home = web_address(_origin(folder))
    return {label: f"{home}{page}" for label, page in _PAGES.items()} if home else {}


def web_address(remote: str) -> str | None:
    """Return the page of a remote repository, without a login; None for one of this machine."""
    scp_like = _SCP_LIKE.fullmatch(remote)
    try:
        parts = urlsplit(f"ssh://{scp_like[1]}/{scp_like[2]}" if scp_like else remote)
        port = parts.port
    except ValueError:  # no URL
        return None
    host, path = parts.hostname, parts.path.strip("/").removesuffix(".git")
    if parts.scheme not in _SCHEMES or not host or not _HOST.fullmatch(host) or "@" in path:
        return None
    if parts.scheme not in _OF_PAGES:
        return f"https://{host}/{path}"
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}/{path}"


def _origin(folder: Path) -> str:
    """Return the URL of the remote `origin`; "" if there is none, or no repository."""
    git = shutil.which("git")
    if git is None or not (folder / ".git").exists():
        return ""
    command = [git, "-C", str(folder), "config", "--get", "remote.origin.url"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
