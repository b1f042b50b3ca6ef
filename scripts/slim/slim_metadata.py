"""The metadata of `headcount-slim`: that of `headcount`, whose parts become extras."""

import runpy
import tomllib
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

CHECKOUT = Path(__file__).resolve().parents[2]
URLS_HOOK = CHECKOUT / "scripts" / "project_urls.py"
NAME, SLIM_NAME = "headcount", "headcount-slim"
CORE = "core"
EXTRAS = ("service", "load", "analysis", "cli", "kafka-iam", "metrics", "notify", "protobuf-text")
_SAME = ("license", "license-files", "authors", "keywords", "classifiers", "scripts")


class SlimMetadata(MetadataHookInterface):
    """Called by hatchling when it builds the distribution."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill in what this folder's `pyproject.toml` lacks, from the checkout's main one."""
        project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
        metadata.update(slim_metadata(project))


def slim_metadata(project: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata, from the table `project` of `headcount`."""
    extras = project["optional-dependencies"]
    readme = (CHECKOUT / project["readme"]).read_text("utf-8")
    return {
        **{name: project[name] for name in _SAME},
        "urls": runpy.run_path(str(URLS_HOOK))["project_urls"](CHECKOUT),
        "readme": {"content-type": "text/markdown", "text": readme},
        "entry-points": project["entry-points"],
        "dependencies": _renamed(extras[CORE]),
        "optional-dependencies": {name: _renamed(extras[name]) for name in EXTRAS},
    }


def _renamed(requirements: list[str]) -> list[str]:
    """Let an extra refer to other extras of this distribution; what is in `core` is required."""
    own = f"{NAME}["
    return [
        text.replace(own, f"{SLIM_NAME}[").replace(f"[{CORE},", "[")
        if text.startswith(own)
        else text
        for text in requirements
    ]
