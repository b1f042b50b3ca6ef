"""The import contract: which module may import which, checked for every import statement.

`python -m scripts.imports` prints each violation and exits with 1 if there is one. Imports inside
functions count as well. Tools that index packages, such as import-linter, do not see locustfiles,
which are in no package.
"""

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from scripts.source import ROOT, Module, read_modules

# ---- The contract ----

HEADCOUNT_LAYERS = (
    {"errors", "response_head", "gc_control", "files", "json_pointer", "scenario_location"}
    | {"palette", "http_url", "noun_counts"},
    {"installation"},
    {"kafka_settings"},
    {"time_span", "open_model", "kafka", "console"},
    {"thresholds", "ledger", "stack"},
    {"run"},
    {"monitor"},
    {"telemetry"},
    {"plugin"},
    {"locust_main"},
    {"cli"},
    {"testing"},
    {"__main__"},
)
"""Folders and modules of `headcount`, lowest first: each imports only from lower layers."""

ANALYSIS_LAYERS = (
    {"arrow_types", "classes_and_flags", "event_types"},
    {"column_combinations", "field_spans"},
    {"ledger"},
    {"messages"},
    {"formats", "id_places"},
    {"probe"},
    {"batches"},
    {"spark"},
    {"state"},
    {"read"},
    {"reconciliation"},
    {"causes"},
    {"measure"},
    {"blocks"},
    {"corrupted"},
    {"evidence"},
    {"judge"},
    {"report"},
    {"compare_runs"},
    {"history"},
    {"pipeline"},
    {"follow", "selftest"},
    {"worker_daemon"},
)
"""Folders and modules of `headcount_analysis`, lowest first."""

STANDARD = frozenset(sys.stdlib_module_names)
PURE = STANDARD | {"headcount", "pyarrow", "xxhash", "pydantic"}

PURE_FOLDERS = {
    "headcount.run": PURE | {"lark"},  # a pure parser, for outcome rules and thresholds
    "headcount.ledger": PURE,
}
"""Folders that may import only these packages, directly or through other modules."""

ALLOWED_PARTS = {
    "headcount": {"headcount"},
    "headcount.cli": {"headcount", "headcount_analysis", "headcount_service"},
    "headcount.testing": {"headcount"},
    "headcount_analysis": {"headcount", "headcount_analysis"},
    "headcount_service": {"headcount_service", "headcount.kafka_settings", "headcount.errors"},
    "locustfiles": {"headcount", "headcount_players", "headcount_service", "locustfiles"},
    "headcount_players": {"headcount", "headcount_players", "headcount_service"},
}
"""The parts of the project that a part may import; bench and tests may import all."""

FORBIDDEN = {
    "headcount.stack": ("headcount.plugin", "headcount.cli", "headcount_analysis"),
}
"""Imports that are forbidden regardless of the layers."""

PARTS = (*ALLOWED_PARTS, "bench", "tests")

# ---- Reading and checking ----


@dataclass(frozen=True, slots=True)
class Import:
    """An import statement: module `source` imports `target`, both by dotted name."""

    source: str
    target: str
    place: str


def violations(modules: Iterable[Module]) -> list[str]:
    """Return one line for each import that breaks the contract, sorted."""
    imports = [statement for module in modules for statement in imports_of(module)]
    return sorted(
        {
            *_part_violations(imports),
            *_forbidden_violations(imports),
            *_layer_violations(imports, "headcount", HEADCOUNT_LAYERS),
            *_layer_violations(imports, "headcount_analysis", ANALYSIS_LAYERS),
            *_purity_violations(imports),
        }
    )


def imports_of(module: Module) -> Iterator[Import]:
    """Yield the imports of a module; `from a import b` counts as `a.b`, which may be a module."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None, f"{module.path}:{node.lineno} is a relative import"
            targets = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for target in targets:
            yield Import(_part_of(module), target, f"{module.path}:{node.lineno}")


def _part_of(module: Module) -> str:
    """Return the name of a module; a locustfile, which is in no package, is `locustfiles.NAME`."""
    is_locustfile = module.path.parent.name == "locustfiles"
    return f"locustfiles.{module.name}" if is_locustfile else module.name


def _is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def _part_violations(imports: Iterable[Import]) -> Iterator[str]:
    tops = {name.partition(".")[0] for name in PARTS}
    for statement in imports:
        parts = [part for part in ALLOWED_PARTS if _is_within(statement.source, part)]
        target = statement.target.partition(".")[0]
        if not parts or target not in tops:
            continue
        part = max(parts, key=len)
        if not any(_is_within(statement.target, allowed) for allowed in ALLOWED_PARTS[part]):
            yield f"{statement.place}: {part} must not import {target}"


def _forbidden_violations(imports: Iterable[Import]) -> Iterator[str]:
    for statement in imports:
        for package, targets in FORBIDDEN.items():
            for target in targets:
                if _is_within(statement.source, package) and _is_within(statement.target, target):
                    yield f"{statement.place}: {package} must not import {target}"


def _layer_violations(
    imports: Iterable[Import], package: str, layers: tuple[set[str], ...]
) -> Iterator[str]:
    level = {name: number for number, layer in enumerate(layers) for name in layer}
    for statement in imports:
        names = (statement.source, statement.target)
        if not all(name.startswith(f"{package}.") for name in names):
            continue
        source, target = (name.split(".")[1] for name in names)
        if source not in level:
            yield f"{statement.place}: {package}.{source} is in no layer of scripts/imports.py"
        elif target in level and source != target and level[target] >= level[source]:
            yield f"{statement.place}: {package}.{source} must not import {package}.{target}"


def _purity_violations(imports: Iterable[Import]) -> Iterator[str]:
    by_source: dict[str, list[Import]] = {}
    for statement in imports:
        by_source.setdefault(statement.source, []).append(statement)
    for folder, allowed in PURE_FOLDERS.items():
        reached = _reachable([name for name in by_source if _is_within(name, folder)], by_source)
        for statement in (statement for name in reached for statement in by_source.get(name, ())):
            package = statement.target.partition(".")[0]
            if package not in allowed:
                yield f"{statement.place}: {folder} must not reach {package}"


def _reachable(starts: Iterable[str], by_source: Mapping[str, list[Import]]) -> set[str]:
    """Return the project's modules that `starts` import, directly or indirectly.

    Importing `a.b.c` runs the packages `a` and `a.b` as well.
    """
    reached, waiting = set[str](), list(starts)
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        for statement in by_source.get(name, ()):
            parts = statement.target.split(".")
            prefixes = (".".join(parts[:count]) for count in range(1, len(parts) + 1))
            waiting.extend(prefix for prefix in prefixes if prefix in by_source)
    return reached


def main() -> int:
    """Print the violations, and return the exit code."""
    lines = violations(read_modules(ROOT))
    for line in lines:
        print(line)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
