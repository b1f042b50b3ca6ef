"""A MkDocs hook: README.md is the first page; links that leave the site become plain paths."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
_LINK = re.compile(r"(?<!!)\[([^]]+)\]\(([^)#:\s]+)(#[^)]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the README, with its links relative to the folder of the pages."""
    text = (ROOT / "README.md").read_text("utf-8")
    text = _LINK.sub(lambda match: match[0].replace(match[2], _from_docs(match[2]), 1), text)
    text = text.replace("](docs/", "](")
    files.append(File.generated(config, "index.md", content=text))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Replace each link to a repository file outside of the site with its path."""

    def shown(match: re.Match[str]) -> str:
        text, target = match[1], match[2]
        if files.get_file_from_path(target) is not None:
            return match[0]
        path = target.removeprefix("../") if target.startswith("../") else f"docs/{target}"
        return f"`{path}`" if text.strip("`") == path else f"{text} (`{path}`)"

    return _LINK.sub(shown, markdown)


def _from_docs(target: str) -> str:
    return target.removeprefix("docs/") if target.startswith("docs/") else f"../{target}"
