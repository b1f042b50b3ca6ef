"""Prints figures: files per folder, function sizes, duplicate names, long modules, test times.

`python -m scripts.house [REPORT]`: REPORT is pytest's `--junit-xml` file (all tests), or its output
with `--durations=0` (tests above 5 ms) or `--durations=N` (the N slowest).
"""

import math
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from junitparser import JUnitXml

from scripts.names import duplicate_classes
from scripts.source import ROOT, Function, Module, functions, read_modules

MAX_MODULE_LINES = 300
LONGEST_SHOWN = 5
_DURATION = re.compile(r"^([\d.]+)s (?:setup|call|teardown) +(tests/[^:]+\.py)::", re.MULTILINE)


def files_per_folder(modules: Iterable[Module]) -> dict[str, int]:
    """Count modules by folder, without `__init__.py` and `__main__.py`."""
    named = (module for module in modules if not module.path.stem.startswith("__"))
    return dict(sorted(Counter(module.folder for module in named).items()))


def percentile(values: Sequence[int], percent: float) -> int:
    """Return the nearest-rank percentile of at least one value."""
    return sorted(values)[max(math.ceil(len(values) * percent / 100), 1) - 1]


def long_modules(modules: Iterable[Module]) -> dict[str, int]:
    """Return the modules with too many lines, longest first."""
    lines = {str(module.path): module.line_count for module in modules}
    longest = sorted(lines.items(), key=lambda item: -item[1])
    return {path: count for path, count in longest if count > MAX_MODULE_LINES}


def suite_seconds(report: Path) -> dict[str, float]:
    """Return the seconds for each folder in a pytest report, longest first."""
    text = report.read_text(encoding="utf-8")
    by_file = _junit(text) if text.lstrip().startswith("<") else _durations(text)
    by_folder: defaultdict[str, float] = defaultdict(float)
    for path, seconds in by_file:
        by_folder[path.rpartition("/")[0]] += seconds
    return dict(sorted(by_folder.items(), key=lambda item: -item[1]))


def _junit(text: str) -> list[tuple[str, float]]:
    suites = JUnitXml.fromstring(text.encode())
    cases = [case for suite in suites for case in suite]
    return [(_file_of(str(case.classname)), float(case.time or 0)) for case in cases]


def _file_of(classname: str) -> str:
    """Convert `tests.analysis.judge.test_judge`, with or without a class, to a path."""
    parts = classname.split(".")
    end = next((n for n, part in enumerate(parts) if part.startswith("test_")), len(parts) - 1)
    return "/".join(parts[: end + 1]) + ".py"


def _durations(text: str) -> list[tuple[str, float]]:
    return [(path, float(seconds)) for seconds, path in _DURATION.findall(text)]


def _print_figures(title: str, figures: Mapping[str, int | float]) -> None:
    print(f"\n{title}")
    for name, value in figures.items():
        shown = f"{value:10,.1f}" if isinstance(value, float) else f"{value:10,}"
        print(f"{shown}  {name}")


def _print_functions(sizes: Sequence[Function]) -> None:
    counts = [function.line_count for function in sizes]
    figures = {"functions": len(counts)} | {
        f"lines, {name}": percentile(counts, percent)
        for name, percent in (("median", 50), ("90th percentile", 90), ("longest", 100))
    }
    longest = sorted(sizes, key=lambda function: -function.line_count)[:LONGEST_SHOWN]
    places = {f"{where.path}:{where.line} {where.name}": where.line_count for where in longest}
    _print_figures("Functions", figures)
    _print_figures("Longest functions, lines", places)


def main(arguments: Sequence[str]) -> int:
    """Print the figures."""
    modules = read_modules(ROOT)
    _print_figures("Files per folder", files_per_folder(modules))
    _print_functions([function for module in modules for function in functions(module)])
    duplicates = duplicate_classes(modules)
    _print_figures(
        f"Class names defined twice: {len(duplicates)}",
        {f"{name}: {', '.join(map(str, paths))}": len(paths) for name, paths in duplicates.items()},
    )
    too_long = long_modules(modules)
    title = f"Modules over {MAX_MODULE_LINES} lines: {len(too_long)}"
    _print_figures(title, too_long)
    for report in arguments:
        seconds = suite_seconds(Path(report))
        total = sum(seconds.values())
        _print_figures(f"Test seconds per folder, {total:,.0f} in total", seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
