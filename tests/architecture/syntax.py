"""What a file imports, mentions and calls, read from its syntax tree: the rules of the house are asked of these."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for part in ("libs", "services", "tools") for path in ROOT.glob(f"{part}/*/src/**/*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(module: ast.Module) -> Iterator[str]:
    """Dotted names that a file imports: both `a.b` and `a.b.c` for `from a.b import c`."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def dotted_names(module: ast.Module) -> Iterator[str]:
    """Every `a.b` that a file mentions."""
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}"


def calls(module: ast.Module) -> Iterator[str]:
    """The last part of the name of everything that a file calls: `create_task` for `loop().create_task(…)`."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                yield node.func.attr
            elif isinstance(node.func, ast.Name):
                yield node.func.id


def plain_calls(module: ast.Module) -> Iterator[str]:
    """Functions that a file calls by their bare name, such as `open` in `open(path)`."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


def public_classes(module: ast.Module) -> Iterator[str]:
    """Names of the classes that other files may import."""
    yield from (node.name for node in module.body if isinstance(node, ast.ClassDef) if not node.name.startswith("_"))


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
