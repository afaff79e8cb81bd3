"""Figures of the code: files a folder, import arrows, circles, lengths of functions. Prints; changes nothing."""

import ast
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("libs", "services", "tools", "adapters")


@dataclass
class Package:
    """One importable package: its files by module name, and who imports whom inside it."""

    name: str
    files: dict[str, Path] = field(default_factory=dict)
    arrows: set[tuple[str, str]] = field(default_factory=set)
    bodies: list[int] = field(default_factory=list)

    def folder_arrows(self) -> set[tuple[str, str]]:
        """Arrows from one folder to another; a file beside the folders is a room of its own."""
        rooms = {(self._room(one), self._room(other)) for one, other in self.arrows}
        return {(one, other) for one, other in rooms if one != other}

    def circles(self) -> list[str]:
        """Files that import each other, directly or by way of others."""
        reached = {name: self._reached(name) for name in self.files}
        return sorted(name for name, others in reached.items() if name in others)

    def _room(self, module: str) -> str:
        return ".".join(module.split(".")[:2])

    def _reached(self, start: str) -> set[str]:
        found: set[str] = set()
        waiting = [start]
        while waiting:
            one = waiting.pop()
            new = {other for name, other in self.arrows if name == one} - found
            found |= new
            waiting += new
        return found


def packages() -> Iterator[Package]:
    """All packages of the workspace."""
    for part in PARTS:
        for top in sorted(ROOT.glob(f"{part}/*/src/*/")):
            if (top / "__init__.py").exists():
                yield read(top)


def read(top: Path) -> Package:
    """A package, read from its syntax trees."""
    package = Package(top.name)
    for path in sorted(top.rglob("*.py")):
        names = path.relative_to(top.parent).with_suffix("").parts
        package.files[".".join(names[:-1] if names[-1] == "__init__" else names)] = path
    for module, path in package.files.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        package.arrows |= {(module, other) for other in _imported(tree, package) if other != module}
        package.bodies += _bodies(tree)
    return package


def _imported(tree: ast.Module, package: Package) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            named = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in package.files else node.module for name in named)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _bodies(tree: ast.Module) -> Iterator[int]:
    """Lines of each function's body, without its docstring."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            if body:
                yield (body[-1].end_lineno or 0) - body[0].lineno + 1


def main() -> None:
    """Prints a row a package."""
    print(
        "| package | files | most in a folder | arrows, files | arrows, folders | circles | body median / p90 / max |"
    )
    print("|---|---:|---:|---:|---:|---:|---|")
    for package in packages():
        folders: dict[Path, int] = {}
        for path in package.files.values():
            folders[path.parent] = folders.get(path.parent, 0) + (path.name != "__init__.py")
        inside = {(one, other) for one, other in package.arrows if other in package.files}
        package.arrows = inside
        bodies = sorted(package.bodies) or [0]
        lengths = f"{statistics.median(bodies):.0f} / {bodies[int(0.9 * (len(bodies) - 1))]} / {bodies[-1]}"
        counts = (len(package.files), max(folders.values()), len(inside), len(package.folder_arrows()))
        print(f"| {package.name} | {' | '.join(map(str, counts))} | {len(package.circles())} | {lengths} |")


if __name__ == "__main__":
    main()
