"""Each library has one door, and callers use it: what is behind it may change without them."""

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# The second doors, and why there is one: what costs memory to import, needs an extra, or is only for tests.
DOORS = {
    "telemetry_client": "what a bot imports",
    "telemetry_runtime": "what every service runs on",
    "telemetry_runtime.fakes": "only for tests",
    "telemetry_runtime.http": "aiohttp, which the page's process does without",
    "telemetry_runtime.metrics": "Prometheus, as above",
    "telemetry_runtime.transport": "ZeroMQ",
    "telemetry_schema": "the messages",
    "telemetry_schema.batch": "NumPy and msgspec, which a bot does without",
}
LIBRARIES = ("telemetry_client", "telemetry_runtime", "telemetry_schema")
CALLERS = sorted(path for part in ("services", "tools", "libs") for path in (ROOT / part).glob("*/src/**/*.py"))


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """Module and name of every name that the file takes from a library it does not belong to."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            library = node.module.partition(".")[0]
            if library in LIBRARIES and f"/src/{library}/" not in path.as_posix():
                yield from ((node.module, alias.name) for alias in node.names)


def test_callers_come_in_by_the_doors() -> None:
    wrong = {(path.name, module, name) for path in CALLERS for module, name in imported(path) if module not in DOORS}
    assert wrong == set()


def test_what_callers_take_stands_in_the_list_of_the_door() -> None:
    taken = {pair for path in CALLERS for pair in imported(path) if pair[0] in DOORS}
    assert taken
    assert {(door, name) for door, name in taken if name not in importlib.import_module(door).__all__} == set()


@pytest.mark.parametrize("door", DOORS)
def test_the_list_of_a_door_is_true_and_sorted(door: str) -> None:
    module = importlib.import_module(door)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
    assert list(module.__all__) == sorted(set(module.__all__), key=_as_ruff_sorts)


def _as_ruff_sorts(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def test_the_light_doors_stay_light() -> None:
    heavy = {"aiohttp", "msgspec", "numpy", "pandas", "prometheus_client"}
    code = "import sys, telemetry_client, telemetry_runtime.transport; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert heavy.isdisjoint(loaded)
