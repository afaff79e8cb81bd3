"""What the next start is told of each run."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
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


MAX_STEP_S = 0.001


def _longest_step_s(work: Iterator[object]) -> float:
    """The longest work between two turns of the event loop, in processor time: neighbours do not count."""
    longest_s, before_s = 0.0, time.thread_time()
    for _ in work:
        now_s = time.thread_time()
        longest_s, before_s = max(longest_s, now_s - before_s), now_s
    return longest_s


def test_saving_4096_runs_holds_the_event_loop_for_less_than_a_millisecond(tmp_path: Path) -> None:
    tracker = SequenceTracker(max_runs=4096, max_sources=100)
    memory = run_memory(tmp_path, tracker)
    steps_s = []
    for turn in range(5):
        for number in range(4096):
            tracker.observe(f"bot{number}", "0123456789abcdef", 10 * turn, 10, (turn, turn, turn))
        steps_s.append(_longest_step_s(memory._state.dump(clean=False)))
    assert min(steps_s) < MAX_STEP_S
    content = b"".join(memory._state.dump(clean=True))
    after = SequenceTracker(max_runs=4096, max_sources=100)
    memory.file.write(content)
    with run_memory(tmp_path, after):
        assert len(after.dump()) == 4096
        assert after.sources == {}


def test_only_runs_that_moved_are_encoded_again(tmp_path: Path) -> None:
    tracker = _tracker()
    memory = run_memory(tmp_path, tracker)
    for number in range(10):
        tracker.observe(f"bot{number}", "r", 0, 1, (0, 0, 0))
    list(memory._state.dump(clean=False))
    tracker.observe("bot3", "r", 1, 1, (0, 0, 0))
    assert list(tracker.take_changed()) == [("bot3", "r")]


def test_a_name_that_no_message_may_have_hurts_nothing(tmp_path: Path) -> None:
    run = {"source": "\u0000 bot\n", "run": "", "next_seq": 3, "last_ns": 1}
    (tmp_path / "runs.json").write_text(json.dumps({"clean": True, "runs": [run]}))
    with run_memory(tmp_path, tracker := _tracker()):
        assert tracker.sources == {}
        assert len(tracker.dump()) == 1


@pytest.mark.parametrize(
    "change", [{"next_seq": -1}, {"next_seq": 2**64}, {"gaps": [[2, 1]]}, {"gaps": [[0, 9]]}, {"next_seq": "x"}]
)
def test_a_run_that_cannot_be_sets_the_file_aside(tmp_path: Path, change: dict[str, object]) -> None:
    run = {"source": "bot", "run": "r", "next_seq": 3, "last_ns": 1} | change
    (tmp_path / "runs.json").write_text(json.dumps({"clean": True, "runs": [run]}))
    with run_memory(tmp_path, tracker := _tracker()):
        assert tracker.dump() == []
    assert (tmp_path / "runs.unreadable").exists()


async def test_a_disk_that_is_full_is_counted_and_the_runs_are_kept_for_the_next_try(tmp_path: Path) -> None:
    (tmp_path / "runs.json.part").mkdir()
    memory = run_memory(tmp_path, tracker := _tracker(), off_loop=_at_once)
    with memory:
        _see(tracker, 0, 10, 1)
        await memory.save()
        assert memory.file.failed_writes == 1
        (tmp_path / "runs.json.part").rmdir()
        await memory.save()
    with run_memory(tmp_path, after := _tracker()):
        assert _see(after, 12, 1, 2) == (0, 2)


async def test_a_save_that_is_cancelled_ends_before_the_last_one(tmp_path: Path) -> None:
    memory = run_memory(tmp_path, tracker := _tracker())
    with memory:
        keeping = asyncio.ensure_future(memory.keep(FakeClock()))
        _see(tracker, 0, 10, 1)
        await asyncio.sleep(0)
        keeping.cancel()
        await asyncio.wait([keeping])
        _see(tracker, 10, 10, 2)
    with run_memory(tmp_path, after := _tracker()):
        assert _see(after, 21, 1, 3) == (0, 1)
