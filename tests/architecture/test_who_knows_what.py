"""What import-linter cannot say: a file's imports and calls tell its layer, so they are read from the syntax tree."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for part in ("libs", "services", "tools") for path in ROOT.glob(f"{part}/*/src/**/*.py"))

# Pure: what they give depends on what they are given, so no clock, no chance, no input or output.
PURE_NAMES = {"buckets.py", "checks.py", "desk.py", "indicators.py"}
PURE_PARENTS = {"venues"}  # the venues' parsers: recorded frame in, trades out
IMPURE_MODULES = {"asyncio", "random", "secrets", "socket", "threading", "time", "zmq"}

JSON_MODULES = {"json", "orjson", "pydantic_core.from_json", "pydantic_core.to_json", "msgspec.json"}
# Path inside the checkout, and why this file may know JSON besides the codec.
JSON_ALLOWED = {
    "libs/schema/src/telemetry_schema/batch/records.py": "a batch's header; the records are no JSON",
    "libs/schema/src/telemetry_schema/codec.py": "the one place that turns messages into bytes and back",
    "libs/schema/src/telemetry_schema/batch/decoder.py": "the codec's fast half",
    "libs/schema/src/telemetry_schema/batch/table.py": "the same for many frames",
    "services/ingest/src/ingest/storage/dead_letters.py": "a file of its own, for bytes that are no message of ours",
    "services/ingest/src/ingest/feeds/venues/frames.py": "the venues' messages are theirs, not ours",
}
ENVIRONMENT_READERS = {"environment.py"}
TASK_MAKERS = {"task_manager.py"}


def imports(path: Path) -> Iterator[str]:
    """Dotted names that a file imports: both `a.b` and `a.b.c` for `from a.b import c`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def dotted_names(path: Path) -> Iterator[str]:
    """Every `a.b` that a file mentions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}"


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def by_path(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=relative)


def test_there_are_sources_to_look_at() -> None:
    assert len(SOURCES) > 9


@by_path([path for path in SOURCES if path.name not in ENVIRONMENT_READERS])
def test_only_environment_py_reads_the_environment(path: Path) -> None:
    names = {*imports(path), *dotted_names(path)}
    assert names.isdisjoint({"os.environ", "os.getenv", "os.environb"})


# Tools send no messages of ours; the files they write and the programs they ask have JSON of their own.
@by_path([path for path in SOURCES if relative(path) not in JSON_ALLOWED and not relative(path).startswith("tools/")])
def test_only_the_codec_knows_json(path: Path) -> None:
    names = {*imports(path), *dotted_names(path)}
    assert names.isdisjoint(JSON_MODULES)


@by_path([path for path in SOURCES if path.name not in TASK_MAKERS])
def test_only_the_task_manager_makes_tasks(path: Path) -> None:
    names = {*imports(path), *dotted_names(path)}
    assert names.isdisjoint({"asyncio.create_task", "asyncio.ensure_future", "loop.create_task"})


@by_path([path for path in SOURCES if path.name in PURE_NAMES or path.parent.name in PURE_PARENTS])
def test_pure_modules_import_no_clock_no_chance_and_no_io(path: Path) -> None:
    roots = {name.partition(".")[0] for name in imports(path)}
    assert roots.isdisjoint(IMPURE_MODULES)


@by_path(SOURCES)
def test_nobody_mocks(path: Path) -> None:
    assert {"unittest.mock", "unittest.mock.patch"}.isdisjoint(imports(path))


def test_each_json_exception_is_still_needed() -> None:
    assert [path for path in JSON_ALLOWED if not (ROOT / path).exists()] == []
