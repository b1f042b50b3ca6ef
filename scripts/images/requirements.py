"""Prints the requirements of extras, one per line, so that an image gets exactly those.

`python requirements.py EXTRA…`, in the folder of pyproject.toml; `dependencies` stands for those of
every installation. An extra that requires other extras of the project stands for theirs, too.
"""

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

DEPENDENCIES = "dependencies"


def requirements(project: Mapping[str, object], extras: Sequence[str]) -> list[str]:
    """Return the requirements, sorted, each once. KeyError if there is no such extra."""
    return sorted({line for extra in extras for line in _of_extra(project, extra)})


def _of_extra(project: Mapping[str, object], extra: str) -> Iterator[str]:
    optional = project["optional-dependencies"]
    assert isinstance(optional, dict)
    lines = project[DEPENDENCIES] if extra == DEPENDENCIES else optional[extra]
    assert isinstance(lines, list)
    for line in lines:
        own = re.fullmatch(rf"{project['name']}\[(.+)\]", line)
        if own is None:
            yield line
        else:
            for other in own[1].split(","):
                yield from _of_extra(project, other.strip())


if __name__ == "__main__":
    document = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))
    print(*requirements(document["project"], sys.argv[1:]), sep="\n")
