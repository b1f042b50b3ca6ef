"""Writes docs/performance.md: every benchmark's table and targets, from docs/measured."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.pages.markdown import table
from headcount.errors import UsageError
from headcount.files import write_atomically

ORDER = (
    *("overhead", "metrics", "rate", "service", "outage"),
    *("reconcile", "formats", "warm", "history", "follow", "cores", "costs", "report"),
)
"""The benchmarks in the page's order; one without figures is left out."""

_COMMAND = "make bench"
_SHOWN_VERSIONS = (
    *("python", "java", "kafka", "locust", "gunicorn", "flask", "kafka-python"),
    *("confluent-kafka", "pyspark", "pyarrow", "polars"),
)


def read(folder: Path) -> tuple[Mapping[str, Any], ...]:
    """Read the figures. Raises UsageError if there are none, or a file cannot be read."""
    paths = [folder / f"{name}.json" for name in ORDER]
    documents = tuple(_document(path) for path in paths if path.exists())
    if not documents:
        raise UsageError(f"{folder} has no figures; measure them with {_COMMAND}")
    return documents


def _document(path: Path) -> Mapping[str, Any]:
    try:
        document: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read {path}: {error}") from None
    return document


def write(path: Path, folder: Path) -> None:
    """Rewrite the page from the figures in a folder. Raises OSError."""
    write_atomically(path, page(read(folder)))


def page(measured: Sequence[Mapping[str, Any]]) -> str:
    """The page as Markdown."""
    return "\n".join([*_head(measured), *_targets(measured), *_tables(measured)])


def _head(measured: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    machine, versions = measured[0]["machine"], measured[0]["versions"]
    yield "# Performance"
    yield ""
    yield f"`{_COMMAND}` measures these figures and writes this page. A figure is the median of its"
    yield "rounds, with the range in brackets; a target limits either the ratio to a peer in the"
    yield "same rounds, or the figure itself. Missed targets are listed too."
    yield ""
    yield (
        f"Machine: {machine['cores']} cores ({machine['processor']}), {machine['memory_gib']:.0f} "
        f"GiB, {machine['system']}. "
        + ", ".join(f"{name} {versions[name]}" for name in _SHOWN_VERSIONS if name in versions)
        + "."
    )
    yield ""


def _targets(measured: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    yield "## Targets"
    yield ""
    yield from table(("benchmark", "target", "limit", "measured", "result"), _rows(measured))
    yield ""


def _rows(measured: Iterable[Mapping[str, Any]]) -> Iterator[Sequence[str]]:
    for document in measured:
        for target in document.get("targets", ()):
            held_by = f"; {target['held_by']}" if target["held_by"] and not target["is_met"] else ""
            verdict = target["verdict"] + held_by
            yield (
                f"`{document['benchmark']}`",
                target["what"],
                target["wanted"],
                target["measured"],
                verdict,
            )


def _tables(measured: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for document in measured:
        content = document["table"]
        yield f"## {content['title']}"
        yield ""
        header, *rows = (
            [_cell(cell) for cell in row] for row in (content["columns"], *content["rows"])
        )
        yield from table(header, rows)
        yield ""
        for note in document["notes"]:
            yield f"- {note}"
        before = document["machine"]["load_1m_before"]
        yield f"- measured at {document['taken_at']}; load average before: {before:.1f}"
        yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "; ").strip()
