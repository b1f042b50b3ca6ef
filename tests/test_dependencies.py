"""Every import is declared, and every declared package is imported, extra by extra."""

import ast
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
IMPORT_ROOTS = (ROOT, ROOT / "analysis", ROOT / "service", ROOT / "locustfiles")

ENTRY_POINTS: Mapping[str, tuple[str, ...]] = {
    "core": ("headcount/run", "headcount/ledger", "headcount/thresholds"),
    "service": ("service/headcount_service",),
    "load": ("headcount/plugin", "headcount/monitor", "headcount/locust_main.py", "locustfiles"),
    "analysis": ("analysis/headcount_analysis",),
    "kafka-iam": ("headcount/kafka_settings/iam_token.py",),
    "metrics": (
        "headcount/telemetry/export/otlp_message.py",
        "headcount/telemetry/export/otlp_sender.py",
        "headcount/telemetry/export/trace_sender.py",
    ),
    "cli": ("headcount",),
    "bench": ("bench",),
    "docs": ("scripts/site_pages.py",),
    "examples": ("examples",),
    "dev": ("tests",),
}
"""The files that each extra serves; the project modules that they import count, too."""

OPTIONAL = (
    *ENTRY_POINTS["kafka-iam"],
    *ENTRY_POINTS["metrics"],
    "headcount/cli/apprise_notification.py",
    "headcount/testing/pytest_fixtures.py",
)
"""Files that explain what to install if their packages are missing, or that only pytest loads."""

NOT_IMPORTED = {
    "psycopg": "SQLAlchemy loads it by the URL's name",
    "axe-core-python": "tests read its script",
    "check-jsonschema": "a test runs it",
    "codespell": "make check runs it",
    "grpcio-tools": "a process of its own runs it",
    "hatchling": "a test builds the wheel with it",
    "mkdocs-material": "make docs runs it",
    "moto": "a test runs it",
    "mypy": "make check runs it",
    "pandas-stubs": "types",
    "pytest-timeout": "a plugin of pytest",
    "pytest-xdist": "a plugin of pytest",
    "ruff": "make check runs it",
    "types-gevent": "types",
    "types-jsonschema": "types",
    "types-protobuf": "types",
    "types-psutil": "types",
    "types-pyyaml": "types",
    "types-requests": "types",
    "uv": "make lock runs it",
}
"""Declared packages that no module imports, with the reason."""

# Each of these is subclassed, patched or read beyond its public interface.
CAPPED = ("locust", "gunicorn", "kafka-python", "geventhttpclient", "pyspark")


@pytest.mark.parametrize("extra", ENTRY_POINTS)
def test_every_import_is_declared(extra: str) -> None:
    """An extra declares every package that its modules import, directly or through the project."""
    declared = _declared(extra)
    if extra == "dev":
        declared |= _declared("bench") | _declared("kafka-iam")  # what the tests import
    undeclared = {
        f"{name} ({path.relative_to(ROOT)})"
        for path in _closure(_files(ENTRY_POINTS[extra]))
        if extra in {"kafka-iam", "metrics", "dev"} or path not in _files(OPTIONAL)
        for name in _third_party(path)
        if not declared & _distributions(name)
    }
    assert sorted(undeclared) == []


def test_every_declared_package_is_imported() -> None:
    """A declared package that no module imports has a stated reason."""
    imported = {
        distribution
        for path in _files(
            (
                "headcount",
                "analysis",
                "service",
                "locustfiles",
                "bench",
                "scripts",
                "tests",
                "examples",
            )
        )
        for name in _third_party(path)
        for distribution in _distributions(name)
    }
    declared = {name for extra in _requirements() for name in _declared(extra)}
    assert sorted(declared - imported - NOT_IMPORTED.keys() - {"headcount"}) == []


@pytest.mark.parametrize("name", CAPPED)
def test_a_subclassed_package_has_an_upper_bound(name: str) -> None:
    """A package whose internals are used cannot be upgraded to an untested version."""
    unbounded = [
        str(requirement)
        for requirements in _requirements().values()
        for requirement in requirements
        if canonicalize_name(requirement.name) == name
        and not any(specifier.operator in {"<", "==", "~="} for specifier in requirement.specifier)
    ]
    assert unbounded == []


@cache
def _requirements() -> dict[str, tuple[Requirement, ...]]:
    """The requirements in pyproject.toml by extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    by_extra = project["optional-dependencies"]
    return {extra: tuple(map(Requirement, texts)) for extra, texts in by_extra.items()}


def _declared(extra: str) -> set[str]:
    """The packages of an extra, of the extras that it includes, and of the core."""
    names: set[str] = set()
    for requirement in (*_requirements()["core"], *_requirements()[extra]):
        if requirement.name == "headcount":
            names.update(*map(_declared, requirement.extras))
        else:
            names.add(canonicalize_name(requirement.name))
    return names


@cache
def _distribution_names() -> Mapping[str, list[str]]:
    return packages_distributions()


def _distributions(package: str) -> set[str]:
    return {canonicalize_name(name) for name in _distribution_names().get(package, [package])}


def _files(places: Iterable[str]) -> set[Path]:
    paths = (ROOT / place for place in places)
    return {file for path in paths for file in ([path] if path.is_file() else path.rglob("*.py"))}


def _closure(files: Iterable[Path]) -> set[Path]:
    """Return the files and all project modules that they import, directly or indirectly."""
    reached: set[Path] = set()
    waiting = set(files)
    while waiting:
        path = waiting.pop()
        reached.add(path)
        waiting |= {file for name in _imports(path) for file in _module_files(name)} - reached
    return reached


def _module_files(name: str) -> Iterator[Path]:
    """Yield the files of a project module and of its packages."""
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        for root in IMPORT_ROOTS:
            stem = root.joinpath(*parts[:length])
            yield from filter(Path.is_file, (stem.with_suffix(".py"), stem / "__init__.py"))


def _third_party(path: Path) -> set[str]:
    own = {"_typeshed"}  # only types, which mypy provides
    roots = {name.partition(".")[0] for name in _imports(path)}
    return {
        root
        for root in roots - sys.stdlib_module_names - own
        if not any(_module_files(root)) and not _is_folder_of_ours(root)
    }


def _is_folder_of_ours(name: str) -> bool:
    return any((root / name).is_dir() for root in IMPORT_ROOTS)


@cache
def _imports(path: Path) -> frozenset[str]:
    """The modules that a file imports; `from a import b` counts as both `a` and `a.b`."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(names)
