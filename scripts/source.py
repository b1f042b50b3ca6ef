"""The project's Python modules, parsed."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

IMPORT_ROOTS = (".", "analysis", "service", "locustfiles")
"""The folders on `sys.path`: a module's name starts below the innermost one with its file."""

PRODUCT = ("headcount", "analysis", "service", "locustfiles", "bench")
"""The top-level folders that the checks cover."""

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Module:
    """A parsed module; `path` is relative to the repository."""

    path: Path
    name: str
    tree: ast.Module
    line_count: int

    @property
    def folder(self) -> str:
        """The folder of its file, as a POSIX path."""
        return self.path.parent.as_posix()


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method, decorators excluded, docstring included."""

    path: Path
    name: str
    line: int
    line_count: int


def read_modules(root: Path, folders: tuple[str, ...] = PRODUCT) -> list[Module]:
    """Parse every module in these top-level folders, sorted by path."""
    paths = [path for folder in folders for path in (root / folder).rglob("*.py")]
    return [_parse(path.relative_to(root), root) for path in sorted(paths)]


def functions(module: Module) -> Iterator[Function]:
    """Yield every function and method of a module, nested ones included."""
    for node in ast.walk(module.tree):
        if isinstance(node, FunctionNode):
            assert node.end_lineno is not None
            size = node.end_lineno - node.lineno + 1
            yield Function(module.path, node.name, node.lineno, size)


def module_name(path: Path) -> str:
    """Return the import name of a file, whose path is relative to the repository."""
    parts = path.with_suffix("").parts
    if parts[0] in IMPORT_ROOTS:
        parts = parts[1:]
    if parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts)


def _parse(path: Path, root: Path) -> Module:
    text = (root / path).read_text(encoding="utf-8")
    return Module(path, module_name(path), ast.parse(text, str(path)), len(text.splitlines()))
