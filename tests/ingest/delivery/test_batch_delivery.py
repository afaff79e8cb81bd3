"""Nothing accepted is lost on the way to analytics."""

import asyncio

import pytest
from structlog.testing import capture_logs

from ingest.checking.chunks import Chunk
from ingest.delivery.batch_delivery import (
    CHECKPOINTED,
    PATIENCE_S,
    WINDOW_BATCHES,
    WINDOW_TRADES,
    BatchDelivery,
)
from ingest.delivery.log_cursor import MAX_QUEUED_BATCHES
from ingest.storage.log.group_commit import GroupCommit, SyncMode
from ingest.storage.log.memory_log import MemoryLog
from telemetry_runtime.fakes import FakeClock, FakeSink, FakeSource
from telemetry_schema import Progress, encode
from telemetry_schema.batch import MAX_BATCH_TRADES, RECORD, BatchHeader, decode_batch


class Rig:
    """A delivery on fakes."""

    def __init__(self, log: MemoryLog | None = None, *, sync: SyncMode = "os") -> None:
        self.log = log or MemoryLog("s", max_bytes=1 << 30)
        self.sink, self.clock = FakeSink(), FakeClock()
        self.writer = GroupCommit(self.log, clock=self.clock, sync=sync)
        self.delivery = BatchDelivery(self.sink, self.writer, clock=self.clock)

    def add(self, *counts: int) -> None:
        """Adds batches of these sizes and appends them to the log."""
        for count in counts:
            self.delivery.add(_chunk(count))
            self.writer.append()

    async def send(self, *counts: int) -> None:
        """Adds batches of these sizes and sends them."""
        self.add(*counts)
        await self.delivery.flush()

    def progress(
        self, next_seq: int, *, resend: bool = False, checkpointed_seq: int = 0, stream: str = "s", epoch: int = 1
    ) -> None:
        """A report of analytics."""
        self.delivery.on_progress(
            Progress(stream=stream, epoch=epoch, next_seq=next_seq, resend=resend, checkpointed_seq=checkpointed_seq)
        )

    def headers(self) -> list[BatchHeader]:
        """What analytics got since the last time, without the first mark."""
        headers = [decode_batch(frames).header for frames in self.sink.sent]
        self.sink.sent.clear()
        return headers

    def sent(self) -> list[tuple[int, int]]:
        """The same, as offset and number of trades; marks are left out."""
        return [(header.first_seq, header.count) for header in self.headers() if header.count]


def _chunk(count: int) -> Chunk:
    return Chunk(RECORD.pack(1, 1, 1, 1.0, 1.0, 0, 0, 0, 0) * count, ["A"], ["bot"], [])


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
def rig() -> Rig:
    return Rig()


async def test_batches_are_numbered_without_gaps(rig: Rig) -> None:
    for count in (3, 1, 2):
        await rig.send(count)
    assert rig.sent() == [(0, 3), (3, 1), (4, 2)]


async def test_the_first_message_says_where_the_stream_begins_and_in_which_epoch(rig: Rig) -> None:
    await rig.send(3)
    first, batch = rig.headers()
    assert (first.first_seq, first.count, first.resume, first.epoch, first.epoch_seq) == (0, 0, True, 1, 0)
    assert (batch.resume, batch.epoch, batch.stream) == (False, 1, "s")


async def test_what_analytics_misses_is_retransmitted_from_the_log(rig: Rig) -> None:
    await rig.send(3, 1, 2)
    rig.progress(6)
    assert rig.delivery.unapplied_trades == 0
    rig.sent()
    rig.progress(3, resend=True)
    assert rig.delivery.unapplied_trades == 3
    await rig.delivery.flush()
    await rig.delivery.flush()
    headers = rig.headers()
    assert [(header.first_seq, header.count) for header in headers] == [(3, 0), (3, 1), (4, 2)]
    assert headers[0].resume


async def test_what_is_checkpointed_is_trimmed_and_what_is_only_applied_is_not(rig: Rig) -> None:
    await rig.send(3, 1, 2)
    rig.progress(6)
    assert rig.log.first_seq == 0
    rig.progress(6, checkpointed_seq=4)
    assert rig.log.first_seq == 4
    rig.sent()
    rig.progress(0, resend=True)
    await rig.delivery.flush()
    await rig.delivery.flush()
    headers = rig.headers()
    assert [(header.first_seq, header.count) for header in headers] == [(4, 0), (4, 2)]
    assert headers[0].resume


async def test_with_nothing_to_retransmit_a_mark_says_what_comes_next(rig: Rig) -> None:
    await rig.send(4)
    rig.progress(4, checkpointed_seq=4)
    rig.headers()
    rig.progress(0, resend=True)
    (mark,) = rig.headers()
    assert (mark.first_seq, mark.count, mark.resume) == (4, 0, True)


async def test_a_request_that_repeats_at_once_is_answered_once(rig: Rig) -> None:
    await rig.send(1)
    for _ in range(5):
        rig.progress(0, resend=True)
    assert rig.delivery.retransmissions == 1
    await rig.clock.advance(1)
    rig.progress(0, resend=True)
    assert rig.delivery.retransmissions == 2


@pytest.mark.parametrize("step_s", [-3_600, 3_600])
async def test_a_step_of_the_wall_clock_does_not_keep_requests_from_being_answered(rig: Rig, step_s: float) -> None:
    await rig.send(1)
    rig.progress(0, resend=True)
    rig.clock.set_wall(step_s)
    await rig.clock.advance(1)
    rig.progress(0, resend=True)
    assert rig.delivery.retransmissions == 2


async def test_reports_about_another_stream_or_the_future_change_nothing(rig: Rig) -> None:
    await rig.send(2)
    rig.progress(2, stream="earlier")
    assert rig.delivery.unapplied_trades == 2
    for number in (3, 99, 2**63 - 1):
        rig.progress(number, resend=True)
        rig.progress(0, checkpointed_seq=number)
    assert (rig.delivery.unapplied_trades, rig.delivery.checkpointed_seq) == (2, 0)
    assert not rig.delivery.heard


async def test_a_report_of_an_earlier_epoch_says_nothing_about_the_trades_of_this_one() -> None:
    log = MemoryLog("s", max_bytes=1 << 30, epoch=7, next_seq=80)
    rig = Rig(log)
    await rig.send(15)
    # A power cut took what was at 80 to 99; analytics had applied it, and even has it in a checkpoint.
    rig.progress(100, epoch=6, checkpointed_seq=100)
    assert (rig.delivery.confirmed_seq, rig.delivery.checkpointed_seq, log.first_seq) == (80, 80, 80)
    assert rig.sent() == [(80, 15)]


async def test_a_restart_goes_on_behind_the_checkpoint_that_was_known() -> None:
    rig = Rig()
    await rig.send(*[1] * 10)
    rig.progress(10, checkpointed_seq=4)
    rig.add(1)
    again = Rig(rig.log)
    await again.delivery.flush()
    await again.delivery.flush()
    headers = again.headers()
    assert (headers[0].first_seq, headers[0].resume) == (4, True)
    assert [header.first_seq for header in headers[1:]] == list(range(4, 11))
    assert int(rig.log.state()[CHECKPOINTED]) == 4


async def test_a_full_queue_holds_up_nobody_and_what_did_not_fit_goes_out_when_there_is_room(rig: Rig) -> None:
    pumping = asyncio.ensure_future(rig.delivery.pump())
    rig.sink.full = True
    for count in (2, 1):
        await rig.send(count)
    assert rig.sent() == []
    rig.sink.full = False
    await _settle()
    pumping.cancel()
    assert rig.sent() == [(0, 2), (2, 1)]


async def test_what_is_too_much_for_memory_is_read_back_from_the_log(rig: Rig) -> None:
    pumping = asyncio.ensure_future(rig.delivery.pump())
    rig.sink.full = True
    for _ in range(3 * MAX_QUEUED_BATCHES):
        await rig.send(1)
    assert len(rig.delivery._cursor._queue) == MAX_QUEUED_BATCHES
    rig.sink.full = False
    await _settle()
    pumping.cancel()
    assert rig.sent() == [(seq, 1) for seq in range(3 * MAX_QUEUED_BATCHES)]


async def test_what_the_log_has_not_taken_is_not_sent(rig: Rig) -> None:
    rig.log.failure = OSError(28, "no space left")
    rig.add(2)
    await rig.delivery.flush()
    assert rig.sent() == []
    rig.log.failure = None
    rig.writer.append()
    rig.delivery.heartbeat()
    assert rig.sent() == [(0, 2)]


async def test_with_burst_nothing_is_sent_before_it_is_on_disk() -> None:
    rig = Rig(sync="burst")
    await rig.send(2)
    assert rig.sent() == []
    syncing = asyncio.ensure_future(rig.writer.keep_synced())
    await rig.writer.committed()
    await rig.delivery.flush()
    assert rig.sent() == [(0, 2)]
    syncing.cancel()


async def test_where_the_log_is_damaged_a_mark_says_where_it_goes_on() -> None:
    log = MemoryLog("s", max_bytes=1 << 30)
    rig = Rig(log)
    rig.add(2, 3, 4)
    del log._batches[1]
    again = Rig(log)
    for _ in range(3):
        await again.delivery.flush()
    assert [(header.first_seq, header.count, header.resume) for header in again.headers()] == [
        (0, 0, True),
        (0, 2, False),
        (5, 4, False),
    ]


async def _returns_at_once(delivery: BatchDelivery) -> bool:
    flushing = asyncio.ensure_future(delivery.flush())
    await _settle()
    at_once = flushing.done()
    flushing.cancel()
    return at_once


async def test_what_is_far_ahead_waits_until_analytics_has_come_closer(rig: Rig) -> None:
    rig.add(*[WINDOW_TRADES // 2] * (WINDOW_BATCHES + 1))
    flushing = asyncio.ensure_future(rig.delivery.flush())
    await _settle()
    assert len(rig.sent()) == WINDOW_BATCHES + 1
    assert not flushing.done()
    rig.progress(WINDOW_TRADES // 2)
    await flushing
    assert rig.delivery.unapplied_trades == WINDOW_BATCHES * WINDOW_TRADES // 2


@pytest.mark.parametrize(
    ("batches", "trades"),
    [(WINDOW_BATCHES, WINDOW_TRADES), (10_000, 1)],
    ids=["few large batches", "many small ones"],
)
async def test_what_is_not_far_ahead_does_not_wait(rig: Rig, batches: int, trades: int) -> None:
    rig.add(*[trades] * batches)
    assert await _returns_at_once(rig.delivery)


async def test_an_analytics_that_is_away_is_waited_for_once_until_it_is_heard_of_again(rig: Rig) -> None:
    watching = asyncio.ensure_future(rig.delivery.watch())
    rig.add(*[WINDOW_TRADES] * (WINDOW_BATCHES + 1))
    assert not await _returns_at_once(rig.delivery)
    flushing = asyncio.ensure_future(rig.delivery.flush())
    await rig.clock.advance(PATIENCE_S)
    assert flushing.done()
    assert await _returns_at_once(rig.delivery)
    rig.progress(0)
    assert await _returns_at_once(rig.delivery)
    rig.progress(1)
    assert not await _returns_at_once(rig.delivery)
    watching.cancel()


async def test_an_analytics_that_is_slow_is_waited_for_as_long_as_it_comes_closer(rig: Rig) -> None:
    watching = asyncio.ensure_future(rig.delivery.watch())
    rig.add(*[WINDOW_TRADES] * (WINDOW_BATCHES + 1))
    flushing = asyncio.ensure_future(rig.delivery.flush())
    for applied in range(1, 10):
        await rig.clock.advance(PATIENCE_S / 2)
        rig.progress(applied)
    assert not flushing.done()
    await rig.clock.advance(2 * PATIENCE_S)
    assert flushing.done()
    watching.cancel()


async def test_a_cancelled_flush_keeps_what_was_added(rig: Rig) -> None:
    rig.sink.full = True
    rig.add(2)
    flushing = asyncio.ensure_future(rig.delivery.flush())
    await asyncio.sleep(0)
    flushing.cancel()
    rig.sink.full = False
    await rig.delivery.flush()
    assert rig.sent() == [(0, 2)]


async def test_the_stream_ends_only_when_all_is_applied(rig: Rig) -> None:
    rig.add(2)
    finishing = asyncio.ensure_future(rig.delivery.finish())
    await _settle()
    assert not finishing.done()
    rig.progress(2)
    await finishing
    last = rig.headers()[-1]
    assert (last.first_seq, last.count, last.final) == (2, 0, True)


async def test_a_retransmission_while_the_stream_ends_is_still_done(rig: Rig) -> None:
    rig.add(2)
    finishing = asyncio.ensure_future(rig.delivery.finish())
    await _settle()
    rig.progress(0, resend=True)
    await _settle()
    rig.progress(2)
    await finishing
    sent = [(header.first_seq, header.count) for header in rig.headers()]
    assert sent == [(0, 0), (0, 2), (0, 0), (0, 2), (2, 0)]


async def test_a_report_that_is_none_is_passed_over(rig: Rig) -> None:
    rig.add(2)
    report = Progress(stream="s", epoch=1, next_seq=2)
    await rig.delivery.follow(FakeSource([[[b"nonsense"], [encode(report)]]]))
    assert rig.delivery.unapplied_trades == 0


async def test_a_heartbeat_says_which_number_comes_next(rig: Rig) -> None:
    await rig.send(2)
    rig.headers()
    rig.delivery.heartbeat()
    (mark,) = rig.headers()
    assert (mark.first_seq, mark.count, mark.resume, mark.final) == (2, 0, False, False)


async def _ask(rig: Rig, next_seq: int, *, for_s: float) -> None:
    """Analytics asks for a number ten times a second."""
    for _ in range(round(for_s * 10)):
        rig.progress(next_seq, resend=True)
        await rig.delivery.flush()
        await rig.clock.advance(0.1)


async def test_a_batch_that_is_asked_for_again_and_again_is_abandoned_and_the_others_go_on(rig: Rig) -> None:
    await rig.send(3, 70, 2)
    rig.progress(3)
    await _ask(rig, 3, for_s=6)
    assert rig.delivery.abandoned_trades == 0
    rig.headers()
    await _ask(rig, 3, for_s=1)
    assert (rig.delivery.abandoned_batches, rig.delivery.abandoned_trades) == (1, 70)
    assert [(header.first_seq, header.count, header.resume) for header in rig.headers()] == [
        (73, 0, True),
        (73, 2, False),
    ]
    rig.progress(75)
    assert rig.delivery.unapplied_trades == 0


async def test_an_analytics_that_asks_for_other_numbers_each_time_is_only_slow(rig: Rig) -> None:
    await rig.send(*[1] * 100)
    for applied in range(60):
        await _ask(rig, applied, for_s=0.5)
    assert rig.delivery.abandoned_trades == 0


async def test_nothing_is_abandoned_that_could_not_be_sent(rig: Rig) -> None:
    await rig.send(5)
    rig.sink.full = True
    await _ask(rig, 0, for_s=30)
    assert rig.delivery.abandoned_trades == 0


def test_a_chunk_that_is_too_long_for_a_batch_is_not_taken(rig: Rig) -> None:
    with pytest.raises(ValueError, match="too many for a batch"):
        rig.add(MAX_BATCH_TRADES + 1)


async def test_an_analytics_that_is_silent_is_logged_once_a_minute(rig: Rig) -> None:
    with capture_logs() as logs:
        for _ in range(240):
            rig.delivery.heartbeat()
            await rig.clock.advance(0.5)
    assert [line["event"] for line in logs] == ["analytics_not_heard_of"] * 2
    assert rig.delivery.silent_s == 120
    rig.progress(0)
    assert rig.delivery.silent_s == 0
