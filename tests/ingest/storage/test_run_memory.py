"""What the next start is told of each run."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.checking.sequences import SequenceTracker
from ingest.storage.run_memory import run_memory
from telemetry_runtime.fakes import FakeClock


def _tracker() -> SequenceTracker:
    return SequenceTracker(max_runs=10, max_sources=10)


def _see(tracker: SequenceTracker, seq: int, count: int, at_ns: int) -> tuple[int, int]:
    result = tracker.observe("bot", "r", seq, count, (at_ns, at_ns, at_ns))
    return result.duplicate, result.lost


async def _at_once(work: Callable[[], bool]) -> bool:
    """Instead of in a thread, whose end no fake clock knows."""
    return work()


async def _crash_after_a_second(directory: Path, tracker: SequenceTracker) -> None:
    """Ten trades are remembered, three more are not, and then the process is gone without a word."""
    clock, memory = FakeClock(), run_memory(directory, tracker, off_loop=_at_once)
    memory.__enter__()
    keeping = asyncio.ensure_future(memory.keep(clock))
    _see(tracker, 0, 10, 1)
    await clock.advance(1.0)
    _see(tracker, 10, 3, 2)
    keeping.cancel()


def test_a_loss_across_a_clean_restart_is_found(tmp_path: Path) -> None:
    before, after = _tracker(), _tracker()
    with run_memory(tmp_path / "new", before):
        _see(before, 0, 10, 1)
    with run_memory(tmp_path / "new", after):
        assert _see(after, 12, 1, 2) == (0, 2)


async def test_after_a_crash_what_is_missing_is_unaccounted_not_lost(tmp_path: Path) -> None:
    await _crash_after_a_second(tmp_path, _tracker())
    after = _tracker()
    with run_memory(tmp_path, after):
        assert _see(after, 15, 1, 3) == (0, 0)
    assert (after.sources["bot"].unaccounted, after.sources["bot"].lost) == (5, 0)


async def test_a_crash_right_after_a_clean_start_is_still_a_crash(tmp_path: Path) -> None:
    before, crashed, after = _tracker(), _tracker(), _tracker()
    with run_memory(tmp_path, before):
        _see(before, 0, 10, 1)
    memory = run_memory(tmp_path, crashed, off_loop=_at_once)
    memory.__enter__()
    clock = FakeClock()
    keeping = asyncio.ensure_future(memory.keep(clock))
    await clock.advance(0)
    keeping.cancel()
    with run_memory(tmp_path, after):
        _see(after, 12, 1, 3)
    assert (after.sources["bot"].unaccounted, after.sources["bot"].lost) == (2, 0)


def test_a_file_that_cannot_be_read_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "runs.json").write_text("[{")
    with run_memory(tmp_path, _tracker()):
        assert (tmp_path / "runs.unreadable").read_text() == "[{"


def test_a_failure_of_ingest_is_no_clean_stop(tmp_path: Path) -> None:
    before, after = _tracker(), _tracker()
    with pytest.raises(LookupError):
        _fail(tmp_path, before)
    with run_memory(tmp_path, after):
        _see(after, 12, 1, 3)
    assert after.sources["bot"].unaccounted == 2


def _fail(directory: Path, tracker: SequenceTracker) -> None:
    with run_memory(directory, tracker, off_loop=_at_once):
        _see(tracker, 0, 10, 1)
        raise LookupError


def test_a_start_that_fails_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    before, after = _tracker(), _tracker()
    with run_memory(tmp_path, before):
        _see(before, 0, 10, 1)
    with pytest.raises(LookupError), run_memory(tmp_path, _tracker()):
        raise LookupError
    with run_memory(tmp_path, after):
        assert _see(after, 12, 1, 3) == (0, 2)


def test_what_is_unsure_stays_unsure_until_the_run_goes_on(tmp_path: Path) -> None:
    before, between, after = _tracker(), _tracker(), _tracker()
    with pytest.raises(LookupError):
        _fail(tmp_path, before)
    with run_memory(tmp_path, between):
        pass
    with run_memory(tmp_path, after):
        _see(after, 12, 1, 3)
    assert (after.sources["bot"].unaccounted, after.sources["bot"].lost) == (2, 0)
