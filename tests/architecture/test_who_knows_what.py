"""What import-linter cannot say: imports and calls show a layer. Each test lists the files that break a rule."""

import ast
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from tests.architecture.syntax import (
    ROOT,
    SOURCES,
    TESTS,
    calls,
    dotted_names,
    imports,
    plain_calls,
    public_classes,
    relative,
    tree,
)

PURE_FOLDERS = {"aggregates", "checking", "desk", "intake", "mappers", "orders", "studies", "venues"}
"""What they give depends on what they are given: no clock, no random numbers, no input or output."""

PURE_FILES = {
    "services/analytics/src/analytics/arrays.py",
    "services/analytics/src/analytics/indicators.py",
    "services/analytics/src/analytics/state.py",
    "services/analytics/src/analytics/trade_aggregates.py",
    "services/ingest/src/ingest/feeds/market.py",
}
NOT_PURE = {
    "services/analytics/src/analytics/studies/runner/": "the worker process: starts it, feeds it, calls the studies"
}
IMPURE_MODULES = {
    "aiohttp",
    "asyncio",
    "concurrent",
    "io",
    "multiprocessing",
    "os",
    "pathlib",
    "random",
    "secrets",
    "shutil",
    "signal",
    "socket",
    "sqlite3",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "urllib",
    "zmq",
}
IMPURE_CALLS = {"input", "open", "print"}

JSON_MODULES = {"json", "orjson", "pydantic_core.from_json", "pydantic_core.to_json", "msgspec.json"}
# Path inside the checkout, and why this file may know JSON besides the codec.
JSON_ALLOWED = {
    "libs/schema/src/telemetry_schema/batch/decoder.py": "turns messages into bytes and back",
    "libs/schema/src/telemetry_schema/batch/event_decoder.py": "turns messages about orders into values",
    "libs/schema/src/telemetry_schema/batch/events.py": "a batch's lines, each a message as it was checked",
    "libs/schema/src/telemetry_schema/batch/records.py": "a batch's header; the records are no JSON",
    "libs/schema/src/telemetry_schema/batch/table.py": "the same for many frames",
    "libs/schema/src/telemetry_schema/batch/verdict.py": "the same for long frames that are refused",
    "services/analytics/src/analytics/checkpoint/codec.py": "a file of its own: names and numbers beside the arrays",
    "services/analytics/src/analytics/output/export_formats.py": "trades and orders for a notebook, as JSON lines",
    "services/analytics/src/analytics/studies/runner/forks.py": "the studies' parameters, on a command line",
    "services/analytics/src/analytics/studies/runner/fork_server.py": "the same, at the other end",
    "services/ingest/src/ingest/storage/dead_letters.py": "a file of its own, for bytes that are no message of ours",
    "services/ingest/src/ingest/feeds/venues/frames.py": "the venues' messages are theirs, not ours",
}
TASK_METHODS = {"create_task", "ensure_future", "run_coroutine_threadsafe"}


class Finder:
    """Finds the names in a file that are forbidden, or lie below a forbidden one."""

    def __init__(self, *kinds: Callable[[ast.Module], Iterator[str]], forbidden: set[str]) -> None:
        self._kinds = kinds
        self._forbidden = forbidden

    def in_module(self, module: ast.Module) -> set[str]:
        names = {name for kind in self._kinds for name in kind(module)}
        return {name for name in names if any(f"{name}.".startswith(f"{each}.") for each in self._forbidden)}

    def in_text(self, text: str) -> set[str]:
        return self.in_module(ast.parse(text))

    def offenders(self, paths: Iterable[Path]) -> dict[str, set[str]]:
        found = {relative(path): self.in_module(tree(path)) for path in paths}
        return {path: names for path, names in found.items() if names}


READS_ENVIRONMENT = Finder(imports, dotted_names, forbidden={"os.environ", "os.environb", "os.getenv"})
KNOWS_JSON = Finder(imports, dotted_names, forbidden=JSON_MODULES)
MAKES_TASKS = Finder(calls, forbidden=TASK_METHODS)
DOES_IO = Finder(imports, plain_calls, forbidden=IMPURE_MODULES | IMPURE_CALLS)
MOCKS_OTHERS = Finder(imports, forbidden={"mock", "pytest_mock", "unittest.mock"})


def pure(path: Path) -> bool:
    inside = path.relative_to(ROOT).parts
    return (bool(PURE_FOLDERS & set(inside[:-1])) or relative(path) in PURE_FILES) and not relative(path).startswith(
        tuple(NOT_PURE)
    )


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (READS_ENVIRONMENT, "import os\nos.environ['A']"),
        (READS_ENVIRONMENT, "from os import getenv"),
        (KNOWS_JSON, "from msgspec import json"),
        (KNOWS_JSON, "import json\njson.loads(b'')"),
        (MAKES_TASKS, "asyncio.create_task(work())"),
        (MAKES_TASKS, "asyncio.get_running_loop().create_task(work())"),
        (MAKES_TASKS, "from asyncio import ensure_future\nensure_future(work())"),
        (DOES_IO, "from pathlib import Path"),
        (DOES_IO, "import os.path"),
        (DOES_IO, "with open('file') as file: pass"),
        (DOES_IO, "from time import monotonic"),
        (MOCKS_OTHERS, "from unittest import mock"),
        (MOCKS_OTHERS, "from unittest.mock import patch"),
    ],
)
def test_each_rule_sees_what_it_forbids(rule: Finder, text: str) -> None:
    assert rule.in_text(text)


def test_there_are_sources_of_every_kind_to_look_at() -> None:
    assert len(SOURCES) > 90
    assert len(TESTS) > 50
    pure_folders = {path.parent.name for path in SOURCES if pure(path)}
    assert pure_folders >= {"aggregates", "checking", "desk", "intake", "venues"}


def test_only_environment_py_reads_the_environment() -> None:
    assert READS_ENVIRONMENT.offenders(path for path in SOURCES if path.name != "environment.py") == {}


def test_only_the_codec_knows_json() -> None:
    # Tools send no messages of ours; the files they write and the programs they ask have JSON of their own.
    found = KNOWS_JSON.offenders(path for path in SOURCES if not relative(path).startswith("tools/"))
    assert found.keys() - JSON_ALLOWED.keys() == set()


def test_each_json_exception_is_still_needed() -> None:
    found = KNOWS_JSON.offenders(SOURCES)
    assert JSON_ALLOWED.keys() - found.keys() == set()


def test_only_the_task_manager_makes_tasks() -> None:
    assert MAKES_TASKS.offenders(path for path in SOURCES if path.name != "task_manager.py") == {}


def test_pure_folders_know_no_clock_no_random_numbers_and_no_io() -> None:
    assert DOES_IO.offenders(filter(pure, SOURCES)) == {}


def test_nobody_mocks() -> None:
    assert MOCKS_OTHERS.offenders([*SOURCES, *TESTS]) == {}


def test_no_two_classes_share_a_name() -> None:
    files = defaultdict(list)
    for path in SOURCES:
        for name in public_classes(tree(path)):
            files[name].append(relative(path))
    assert {name: paths for name, paths in files.items() if len(paths) > 1} == {}
