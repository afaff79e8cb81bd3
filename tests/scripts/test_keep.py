"""When a process is started again, after how long, and when not."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def _load() -> ModuleType:
    path = Path(__file__).parents[2] / "scripts" / "keep.py"
    spec = importlib.util.spec_from_file_location("keep", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


keep = _load()


class Kept:
    """A keeper of a command that fails, stopped after some restarts."""

    def __init__(
        self, command: str, *, restarts: int = 0, started_after_s: float = -1, steady_after_s: float = 60
    ) -> None:
        self.waits: list[float] = []
        self.lines: list[str] = []
        self._restarts = restarts
        lives = keep.Lives(started_after_s=started_after_s, steady_after_s=steady_after_s)
        self.keeper = keep.Keeper("ingest", f"exec {command}", say=self.lines.append, wait=self._wait, lives=lives)

    def _wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        return len(self.waits) > self._restarts


def test_a_process_that_cannot_start_is_not_started_again() -> None:
    kept = Kept("sh -c 'exit 3'", started_after_s=5)
    assert kept.keeper.run() == 3
    assert kept.waits == []


def test_a_process_that_is_killed_while_it_starts_is_started_again() -> None:
    kept = Kept("sh -c 'kill -9 $$'", started_after_s=5)
    assert kept.keeper.run() == -9
    assert kept.waits == [0.5]


def test_a_process_that_ends_well_is_not_started_again() -> None:
    assert Kept("true").keeper.run() == 0


def test_a_process_that_dies_is_started_again_with_longer_and_longer_waits() -> None:
    kept = Kept("sh -c 'kill -9 $$'", restarts=7)
    assert kept.keeper.run() == -9
    assert kept.waits == [0.5, 1, 2, 4, 8, 10, 10, 10]
    assert kept.lines[0] == "ingest was ended by SIGKILL after 0 s, and is started again in 0.5 s"


def test_after_a_long_life_the_wait_is_short_again() -> None:
    kept = Kept("sh -c 'exit 2'", restarts=2, steady_after_s=-1)
    assert kept.keeper.run() == 2
    assert kept.waits == [0.5, 0.5, 0.5]


def test_a_stop_that_is_asked_for_before_the_start_ends_the_process_at_once() -> None:
    kept = Kept(f"{sys.executable} -c 'import time; time.sleep(60)'")
    kept.keeper.stop()
    assert kept.keeper.run() == -15
    assert kept.waits == []
