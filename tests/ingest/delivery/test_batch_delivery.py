"""Nothing accepted is lost on the way to analytics."""

import asyncio

import pytest
from structlog.testing import capture_logs

from ingest.checking.chunks import Chunk
from ingest.delivery.batch_delivery import MAX_HELD_BATCHES, PATIENCE_S, WINDOW_BATCHES, WINDOW_TRADES, BatchDelivery
from telemetry_runtime.fakes import FakeClock, FakeSink, FakeSource
from telemetry_schema import Progress, encode
from telemetry_schema.batch import MAX_BATCH_TRADES, RECORD, BatchHeader, decode_batch


@pytest.fixture
def sink() -> FakeSink:
    return FakeSink()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def delivery(sink: FakeSink, clock: FakeClock) -> BatchDelivery:
    return BatchDelivery(sink, stream="s", clock=clock, max_unapplied_trades=10)


def _chunk(count: int) -> Chunk:
    return Chunk(RECORD.pack(1, 1, 1, 1.0, 1.0, 0, 0, 0, 0) * count, ["A"], ["bot"], [])


def _headers(sink: FakeSink) -> list[BatchHeader]:
    return [decode_batch(frames).header for frames in sink.sent]


def _progress(next_seq: int, *, resend: bool = False, stream: str = "s") -> Progress:
    return Progress(stream=stream, next_seq=next_seq, resend=resend)


async def test_batches_are_numbered_without_gaps(delivery: BatchDelivery, sink: FakeSink) -> None:
    for count in (3, 1, 2):
        delivery.add(_chunk(count))
        await delivery.flush()
    assert [(header.first_seq, header.count) for header in _headers(sink)] == [(0, 3), (3, 1), (4, 2)]


async def test_acknowledged_batches_are_released_and_the_others_are_retransmitted_on_request(
    delivery: BatchDelivery, sink: FakeSink
) -> None:
    for count in (3, 1, 2):
        delivery.add(_chunk(count))
    await delivery.flush()
    delivery.on_progress(_progress(3))
    assert delivery.unapplied_trades == 3
    sink.sent.clear()
    delivery.on_progress(_progress(0, resend=True))
    await delivery.flush()
    headers = _headers(sink)
    assert [(header.first_seq, header.count) for header in headers] == [(3, 0), (3, 1), (4, 2)]
    assert headers[0].resume


async def test_with_nothing_to_retransmit_a_mark_says_what_comes_next(delivery: BatchDelivery, sink: FakeSink) -> None:
    delivery.add(_chunk(4))
    await delivery.flush()
    delivery.on_progress(_progress(4))
    sink.sent.clear()
    delivery.on_progress(_progress(0, resend=True))
    await delivery.flush()
    (mark,) = _headers(sink)
    assert (mark.first_seq, mark.count, mark.resume) == (4, 0, True)


async def test_a_question_that_repeats_at_once_is_answered_once(delivery: BatchDelivery, clock: FakeClock) -> None:
    delivery.add(_chunk(1))
    await delivery.flush()
    for _ in range(5):
        delivery.on_progress(_progress(0, resend=True))
    assert delivery.retransmissions == 1
    await clock.advance(1)
    delivery.on_progress(_progress(0, resend=True))
    assert delivery.retransmissions == 2


async def test_reports_about_another_stream_or_the_future_change_nothing(delivery: BatchDelivery) -> None:
    delivery.add(_chunk(2))
    delivery.on_progress(_progress(2, stream="earlier"))
    assert delivery.unapplied_trades == 2
    for number in (3, 99, 2**63 - 1):
        delivery.on_progress(_progress(number, resend=True))
    assert delivery.unapplied_trades == 2
    assert not delivery.heard


async def test_a_full_queue_holds_up_nobody_and_what_did_not_fit_goes_out_when_there_is_room(
    delivery: BatchDelivery, sink: FakeSink
) -> None:
    pumping = asyncio.ensure_future(delivery.pump())
    sink.full = True
    for count in (2, 1):
        delivery.add(_chunk(count))
        await delivery.flush()
    assert sink.sent == []
    sink.full = False
    for _ in range(5):
        await asyncio.sleep(0)
    pumping.cancel()
    assert [(header.first_seq, header.count) for header in _headers(sink)] == [(0, 2), (2, 1)]


async def test_flush_waits_while_too_many_batches_are_held_however_small(sink: FakeSink, clock: FakeClock) -> None:
    delivery = BatchDelivery(sink, stream="s", clock=clock, max_unapplied_trades=10 * MAX_HELD_BATCHES)
    for _ in range(MAX_HELD_BATCHES + 1):
        delivery.add(_chunk(1))
    flushing = asyncio.ensure_future(delivery.flush())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not flushing.done()
    delivery.on_progress(_progress(1))
    await flushing


async def _returns_at_once(delivery: BatchDelivery) -> bool:
    flushing = asyncio.ensure_future(delivery.flush())
    for _ in range(5):
        await asyncio.sleep(0)
    at_once = flushing.done()
    flushing.cancel()
    return at_once


@pytest.fixture
def roomy(sink: FakeSink, clock: FakeClock) -> BatchDelivery:
    return BatchDelivery(sink, stream="s", clock=clock, max_unapplied_trades=500_000)


async def test_what_is_far_ahead_waits_until_analytics_has_come_closer(roomy: BatchDelivery, sink: FakeSink) -> None:
    for _ in range(WINDOW_BATCHES + 1):
        roomy.add(_chunk(WINDOW_TRADES // 2))
    flushing = asyncio.ensure_future(roomy.flush())
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(sink.sent) == WINDOW_BATCHES + 1
    assert not flushing.done()
    roomy.on_progress(_progress(WINDOW_TRADES // 2))
    await flushing
    assert roomy.unapplied_trades == WINDOW_BATCHES * WINDOW_TRADES // 2


@pytest.mark.parametrize(
    ("batches", "trades"),
    [(WINDOW_BATCHES, WINDOW_TRADES), (MAX_HELD_BATCHES // 2, 1)],
    ids=["few large batches", "many small ones"],
)
async def test_what_is_not_far_ahead_does_not_wait(roomy: BatchDelivery, batches: int, trades: int) -> None:
    for _ in range(batches):
        roomy.add(_chunk(trades))
    assert await _returns_at_once(roomy)


async def test_an_analytics_that_is_away_is_waited_for_once_until_it_is_heard_of_again(
    roomy: BatchDelivery, clock: FakeClock
) -> None:
    watching = asyncio.ensure_future(roomy.watch())
    for _ in range(WINDOW_BATCHES + 1):
        roomy.add(_chunk(WINDOW_TRADES))
    assert not await _returns_at_once(roomy)
    flushing = asyncio.ensure_future(roomy.flush())
    await clock.advance(PATIENCE_S)
    assert flushing.done()
    assert await _returns_at_once(roomy)
    roomy.on_progress(_progress(0))
    assert await _returns_at_once(roomy)
    roomy.on_progress(_progress(1))
    assert not await _returns_at_once(roomy)
    watching.cancel()


async def test_an_analytics_that_is_slow_is_waited_for_as_long_as_it_comes_closer(
    roomy: BatchDelivery, clock: FakeClock
) -> None:
    watching = asyncio.ensure_future(roomy.watch())
    for _ in range(WINDOW_BATCHES + 1):
        roomy.add(_chunk(WINDOW_TRADES))
    flushing = asyncio.ensure_future(roomy.flush())
    for applied in range(1, 10):
        await clock.advance(PATIENCE_S / 2)
        roomy.on_progress(_progress(applied))
    assert not flushing.done()
    await clock.advance(2 * PATIENCE_S)
    assert flushing.done()
    watching.cancel()


async def test_flush_waits_while_too_much_is_unapplied(delivery: BatchDelivery) -> None:
    delivery.add(_chunk(11))
    flushing = asyncio.ensure_future(delivery.flush())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not flushing.done()
    delivery.on_progress(_progress(11))
    await flushing


async def test_a_cancelled_flush_keeps_what_was_added(delivery: BatchDelivery, sink: FakeSink) -> None:
    sink.full = True
    delivery.add(_chunk(2))
    flushing = asyncio.ensure_future(delivery.flush())
    await asyncio.sleep(0)
    flushing.cancel()
    sink.full = False
    await delivery.flush()
    assert [header.count for header in _headers(sink)] == [2]


async def test_the_stream_ends_only_when_all_is_applied(delivery: BatchDelivery, sink: FakeSink) -> None:
    delivery.add(_chunk(2))
    finishing = asyncio.ensure_future(delivery.finish())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not finishing.done()
    delivery.on_progress(_progress(2))
    await finishing
    last = _headers(sink)[-1]
    assert (last.first_seq, last.count, last.final) == (2, 0, True)


async def test_a_retransmission_while_the_stream_ends_is_still_done(delivery: BatchDelivery, sink: FakeSink) -> None:
    delivery.add(_chunk(2))
    finishing = asyncio.ensure_future(delivery.finish())
    await asyncio.sleep(0)
    delivery.on_progress(_progress(0, resend=True))
    for _ in range(5):
        await asyncio.sleep(0)
    delivery.on_progress(_progress(2))
    await finishing
    assert [(header.first_seq, header.count) for header in _headers(sink)] == [(0, 2), (0, 0), (0, 2), (2, 0)]


async def test_a_report_that_is_none_is_passed_over(delivery: BatchDelivery) -> None:
    delivery.add(_chunk(2))
    await delivery.follow(FakeSource([[[b"nonsense"], [encode(_progress(1))]], [[encode(_progress(2))]]]))
    assert delivery.unapplied_trades == 0


async def test_a_heartbeat_says_which_number_comes_next(delivery: BatchDelivery, sink: FakeSink) -> None:
    delivery.add(_chunk(2))
    await delivery.flush()
    delivery.heartbeat()
    last = _headers(sink)[-1]
    assert (last.first_seq, last.count, last.resume, last.final) == (2, 0, False, False)


async def _ask(delivery: BatchDelivery, clock: FakeClock, next_seq: int, *, for_s: float) -> None:
    """Analytics asks for a number ten times a second."""
    for _ in range(round(for_s * 10)):
        delivery.on_progress(_progress(next_seq, resend=True))
        await clock.advance(0.1)


async def test_a_batch_that_is_asked_for_again_and_again_is_abandoned_and_the_others_go_on(
    roomy: BatchDelivery, sink: FakeSink, clock: FakeClock
) -> None:
    for count in (3, 70, 2):
        roomy.add(_chunk(count))
    await roomy.flush()
    roomy.on_progress(_progress(3))
    await _ask(roomy, clock, 3, for_s=6)
    assert roomy.abandoned_trades == 0
    sink.sent.clear()
    await _ask(roomy, clock, 3, for_s=1)
    assert (roomy.abandoned_batches, roomy.abandoned_trades) == (1, 70)
    assert [(header.first_seq, header.count, header.resume) for header in _headers(sink)] == [
        (73, 0, True),
        (73, 2, False),
    ]
    roomy.on_progress(_progress(75))
    assert roomy.unapplied_trades == 0


async def test_an_analytics_that_asks_for_other_numbers_each_time_is_only_slow(
    roomy: BatchDelivery, clock: FakeClock
) -> None:
    for _ in range(100):
        roomy.add(_chunk(1))
    await roomy.flush()
    for applied in range(60):
        await _ask(roomy, clock, applied, for_s=0.5)
    assert roomy.abandoned_trades == 0


async def test_nothing_is_abandoned_that_could_not_be_sent(
    roomy: BatchDelivery, sink: FakeSink, clock: FakeClock
) -> None:
    roomy.add(_chunk(5))
    await roomy.flush()
    sink.full = True
    await _ask(roomy, clock, 0, for_s=30)
    assert roomy.abandoned_trades == 0


@pytest.mark.parametrize("step_s", [3600.0, -3600.0, 125.0, -125.0])
async def test_a_wall_clock_that_is_set_holds_up_no_retransmission(
    roomy: BatchDelivery, clock: FakeClock, step_s: float
) -> None:
    roomy.add(_chunk(1))
    await roomy.flush()
    roomy.on_progress(_progress(0, resend=True))
    clock.set_wall(step_s)
    await clock.advance(1)
    roomy.on_progress(_progress(0, resend=True))
    assert roomy.retransmissions == 2


def test_a_chunk_that_is_too_long_for_a_batch_is_not_taken(delivery: BatchDelivery) -> None:
    with pytest.raises(ValueError, match="too many for a batch"):
        delivery.add(_chunk(MAX_BATCH_TRADES + 1))


async def test_an_analytics_that_is_silent_is_logged_once_a_minute(delivery: BatchDelivery, clock: FakeClock) -> None:
    with capture_logs() as logs:
        for _ in range(240):
            delivery.heartbeat()
            await clock.advance(0.5)
    assert [line["event"] for line in logs] == ["analytics_not_heard_of"] * 2
    assert delivery.silent_s == 120
    delivery.on_progress(_progress(0))
    assert delivery.silent_s == 0
