"""Names: no class name is used twice, and no identifier is meaningless.

`python -m scripts.names` prints each violation and exits with 1 if there is one.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from scripts.source import PRODUCT, ROOT, Module, read_modules

BANNED = frozenset({"each", "found", "given", "mine", "tell", "thing", "told"})
"""Banned as names of modules, classes, functions, parameters, fields and variables.

Leading and trailing underscores are ignored.
"""

FOLDERS = (*PRODUCT, "scripts", "tests", "examples")


@dataclass(frozen=True, slots=True)
class Binding:
    """A name where it is bound; `kind`: module, class, function, parameter, field or variable."""

    name: str
    kind: str
    line: int


def duplicate_classes(modules: Iterable[Module]) -> dict[str, list[Path]]:
    """Return the class names, without leading underscores, that more than one file defines."""
    paths = defaultdict(list)
    for module in modules:
        for name in _top_level_classes(module):
            paths[name.lstrip("_")].append(module.path)
    return {name: places for name, places in sorted(paths.items()) if len(places) > 1}


def violations(modules: Iterable[Module]) -> dict[str, str]:
    """Return the place of each violation: `path:line`, or all paths of a duplicate class."""
    modules = list(modules)
    problems = {
        f"duplicate class {name}": ", ".join(str(path) for path in paths)
        for name, paths in duplicate_classes(modules).items()
    }
    for module in modules:
        for binding in bindings(module):
            if binding.name.strip("_").lower() in BANNED:
                entry = f"{module.path} {binding.kind} {binding.name}"
                problems.setdefault(entry, f"{module.path}:{binding.line}")
    return problems


def bindings(module: Module) -> Iterator[Binding]:
    """Yield the name of a module, and every name that it binds."""
    yield Binding(module.path.stem, "module", 1)
    for node in ast.walk(module.tree):
        match node:
            case ast.ClassDef():
                yield Binding(node.name, "class", node.lineno)
                yield from _fields(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield Binding(node.name, "function", node.lineno)
                yield from _parameters(node.args)
            case ast.Lambda():  # its parameters are like loop variables
                yield from (replace(name, kind="variable") for name in _parameters(node.args))
            case ast.Name(ctx=ast.Store()):
                yield Binding(node.id, "variable", node.lineno)
            case ast.alias(asname=str(name)):
                yield Binding(name, "variable", node.lineno)
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                yield Binding(name, "variable", node.lineno)


def _top_level_classes(module: Module) -> Iterator[str]:
    yield from (node.name for node in module.tree.body if isinstance(node, ast.ClassDef))


def _fields(node: ast.ClassDef) -> Iterator[Binding]:
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield Binding(statement.target.id, "field", statement.lineno)


def _parameters(arguments: ast.arguments) -> Iterator[Binding]:
    several = (arguments.vararg, arguments.kwarg)
    plain = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    for argument in (*plain, *(star for star in several if star is not None)):
        yield Binding(argument.arg, "parameter", argument.lineno)


def main() -> int:
    """Print the violations, and return the exit code."""
    problems = violations(read_modules(ROOT, FOLDERS))
    for entry, place in sorted(problems.items()):
        print(f"{place}: {entry}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
