"""Group commit: what is committed when, and what waits."""

import asyncio
import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ingest.storage.log.batch_log import BatchLog, Transaction
from ingest.storage.log.group_commit import RETRY_S, GroupCommit, SyncMode
from ingest.storage.log.memory_log import MemoryLog
from ingest.storage.log.segment_log import SegmentLog
from telemetry_runtime.fakes import FakeClock
from tests.ingest.storage.log.conftest import batch


def _files_in(directory: Path) -> int:
    return len(list(directory.iterdir()))


NO_SPACE = OSError(errno.ENOSPC, "no space left")


def _writer(log: BatchLog, sync: SyncMode = "os") -> GroupCommit:
    return GroupCommit(log, clock=FakeClock(), sync=sync)


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog("s", max_bytes=1_000)


async def test_what_a_burst_changes_is_one_transaction(log: MemoryLog) -> None:
    writer = _writer(log)
    writer.add(batch(0, 2))
    writer.add(batch(2, 1))
    writer.set_state({"run": b"3"})
    assert (log.next_seq, writer.next_seq, writer.committed_seq) == (0, 3, 0)
    writer.append()
    await writer.committed()
    assert (log.next_seq, writer.committed_seq, log.state()) == (3, 3, {"run": b"3"})


async def test_what_is_checkpointed_leaves_the_disk_in_time_in_a_quiet_market_too(tmp_path: Path) -> None:
    log, clock = SegmentLog(tmp_path, new_stream="s", now_ns=1, max_bytes=1 << 30), FakeClock()
    writer = GroupCommit(log, clock=clock)
    ageing, syncing = asyncio.ensure_future(writer.keep_young(100)), asyncio.ensure_future(writer.keep_synced())
    writer.add(batch(0, 20))
    writer.append()
    await clock.advance(150)
    assert log.first_seq == 0  # analytics does not have it yet
    writer.trim(10)
    await clock.advance(60)
    assert log.first_seq == 0
    writer.trim(20)
    await clock.advance(60)
    await _until(lambda: log.first_seq == 20)
    assert (log.first_seq, log.next_seq, _files_in(tmp_path)) == (20, 20, 1)
    # And so on, without anything new: no segment is begun for nothing.
    await clock.advance(10_000)
    assert _files_in(tmp_path) == 1
    ageing.cancel()
    syncing.cancel()
    log.close()


async def test_with_os_a_complete_segment_is_closed_and_then_trimmed_once_the_head_behind_it_is_on_disk(
    tmp_path: Path,
) -> None:
    log = SegmentLog(tmp_path, new_stream="s", now_ns=1, max_bytes=1 << 30, segment_bytes=2_000)
    writer = _writer(log)
    syncing = asyncio.ensure_future(writer.keep_synced())
    for seq in range(0, 1_000, 10):
        writer.add(batch(seq, 10))
        writer.append()
    assert log.is_sync_due
    writer.trim(900)
    assert log.first_seq == 0  # the state behind it may not be on disk yet
    await _until(lambda: not log.is_sync_due and log.first_seq > 800)
    assert _files_in(tmp_path) < 10
    syncing.cancel()
    log.close()


async def _until(holds: Callable[[], bool]) -> None:
    """A wait for the thread that syncs."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - the thread knows of no event
            await asyncio.sleep(0)


@pytest.mark.parametrize("failure", ["full", "unwritable"])
async def test_what_there_is_no_room_for_waits_and_is_appended_later_in_order(log: MemoryLog, failure: str) -> None:
    clock = FakeClock()
    writer = GroupCommit(log, clock=clock)
    if failure == "full":
        log.append(_filling())
        writer = GroupCommit(log, clock=clock)
    else:
        log.failure = NO_SPACE
    begin = writer.next_seq
    retrying = asyncio.ensure_future(writer.retry())
    writer.add(batch(begin, 20))
    writer.append()
    waiting = asyncio.ensure_future(writer.committed())
    writer.add(batch(begin + 20, 1))
    writer.append()
    await clock.advance(10 * RETRY_S)
    assert not waiting.done()
    assert log.next_seq == begin
    log.failure = None
    log.trim(begin)
    await clock.advance(RETRY_S)
    assert waiting.done()
    assert [each.first_seq for each in log.read(begin, max_bytes=1 << 30)] == [begin, begin + 20]
    retrying.cancel()


def _filling() -> Transaction:
    return Transaction([batch(0, 19)])


async def test_a_disk_that_does_not_let_go_of_what_is_not_needed_is_counted_said_once_and_tried_again(
    log: MemoryLog,
) -> None:
    log.append(_filling())
    writer = _writer(log)
    log.failure = OSError(errno.EACCES, "permission denied")
    with capture_logs() as lines:
        writer.trim(10)
        writer.trim(19)
    assert [line["event"] for line in lines] == ["log_untrimmable"]
    assert (writer.write_failures, log.first_seq) == (2, 0)
    log.failure = None
    writer.trim(19)
    assert log.first_seq == 19


async def test_trimming_makes_room_at_once(log: MemoryLog) -> None:
    log.append(_filling())
    writer = _writer(log)
    writer.add(batch(19, 5))
    writer.append()
    assert writer.full_waits == 1
    writer.trim(19)
    await writer.committed()
    assert writer.committed_seq == 24


async def test_with_burst_nothing_is_committed_before_it_is_on_disk(log: MemoryLog) -> None:
    writer = _writer(log, "burst")
    writer.add(batch(0, 2))
    writer.append()
    assert (log.next_seq, writer.committed_seq) == (2, 0)
    syncing = asyncio.ensure_future(writer.keep_synced())
    await writer.committed()
    assert (writer.committed_seq, log.synced) == (2, [2])
    syncing.cancel()


async def test_with_interval_it_is_committed_at_once_and_on_disk_within_the_interval(log: MemoryLog) -> None:
    clock = FakeClock()
    writer = GroupCommit(log, clock=clock, sync="interval", sync_interval_s=0.5)
    syncing = asyncio.ensure_future(writer.keep_synced())
    writer.add(batch(0, 2))
    writer.append()
    assert writer.committed_seq == 2
    await clock.advance(0.4)
    assert log.synced == []
    await clock.advance(0.2)
    await asyncio.to_thread(lambda: None)
    assert log.synced == [2]
    syncing.cancel()


async def test_a_disk_that_fails_to_sync_ends_the_service(log: MemoryLog) -> None:
    writer = _writer(log, "burst")
    writer.add(batch(0, 2))
    writer.append()
    log.failure = OSError(errno.EIO, "input/output error")
    with pytest.raises(OSError, match="input/output"):
        await writer.keep_synced()
    assert writer.committed_seq == 0
