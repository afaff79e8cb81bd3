"""What happens while ingest is away or slow: trades wait, then they are dropped and counted, and the bot goes on."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from telemetry_client import Publisher
from telemetry_client.publisher import MAX_MESSAGE_TRADES
from tests.client.conftest import SLACK_S, Receiver, quickest


def fill(publisher: Publisher, count: int) -> None:
    for _ in range(count):
        assert publisher.trade("BTC-USD", "buy", 1, 1)


def timed(publisher: Publisher) -> tuple[bool, float]:
    started_s = time.monotonic()
    queued = publisher.trade("BTC-USD", "buy", 1, 1)
    return queued, time.monotonic() - started_s


def test_trades_wait_for_an_ingest_that_starts_later(away: Receiver) -> None:
    with Publisher(away.endpoint, max_queued_messages=100) as publisher:
        fill(publisher, 100)
        away.bind()
        assert away.seqs(100) == list(range(100))


def test_trades_wait_while_ingest_restarts(ingest: Receiver) -> None:
    with Publisher(ingest.endpoint) as publisher:
        fill(publisher, 10)
        assert ingest.seqs(10) == list(range(10))
        ingest.unbind()
        fill(publisher, 100)
        ingest.bind()
        fill(publisher, 10)
        last = 119
        seqs = [ingest.trade().seq]
        while seqs[-1] != last:
            seqs.append(ingest.trade().seq)
    # Those that were on their way when the connection broke may be lost; the rest comes once, in order.
    assert seqs == sorted(set(seqs), key=lambda seq: seq or 0)


def test_a_full_queue_drops_and_counts_and_a_dropped_trade_keeps_its_number(away: Receiver) -> None:
    with Publisher(away.endpoint, max_queued_messages=10) as publisher:
        fill(publisher, 10)
        assert [publisher.trade("BTC-USD", "buy", 1, 1) for _ in range(7)] == [False] * 7
        assert (publisher.sent_trades, publisher.dropped_trades) == (10, 7)
        away.bind()
        assert away.seqs(10) == list(range(10))
        while not publisher.trade("BTC-USD", "buy", 1, 1):
            pass
        stats = publisher.stats()
        assert away.trade().seq == 9 + stats.dropped_trades + 1
        assert stats.sent_trades == 11


def test_a_full_queue_drops_all_trades_of_a_columnar_message(away: Receiver) -> None:
    count = 3 * MAX_MESSAGE_TRADES
    with Publisher(away.endpoint, max_queued_messages=2, linger_s=0) as publisher:
        assert not publisher.trades(symbol="BTC-USD", side="buy", qty=[1] * count, price=[1] * count)
        assert publisher.sent_trades == 2 * MAX_MESSAGE_TRADES
        assert publisher.dropped_trades == MAX_MESSAGE_TRADES


def test_without_leave_to_block_a_full_queue_does_not_block(away: Receiver) -> None:
    with Publisher(away.endpoint, max_queued_messages=1, linger_s=0) as publisher:
        fill(publisher, 1)
        calls = [[timed(publisher) for _ in range(100)] for _ in range(3)]
    assert not any(queued for turn in calls for queued, _ in turn)
    assert min(took_s for turn in calls for _, took_s in turn) < 0.001
    assert min(sum(took_s for _, took_s in turn) for turn in calls) < SLACK_S


def test_a_full_queue_blocks_as_long_as_asked_and_not_longer(away: Receiver) -> None:
    with Publisher(away.endpoint, max_queued_messages=1, block_s=0.1, linger_s=0) as publisher:
        fill(publisher, 1)
        calls = [timed(publisher) for _ in range(3)]
    assert not any(queued for queued, _ in calls)
    assert 0.09 <= min(took_s for _, took_s in calls) <= 0.1 + SLACK_S


def test_columns_block_as_long_as_asked_for_all_pieces_together(away: Receiver) -> None:
    count = 20 * MAX_MESSAGE_TRADES
    with Publisher(away.endpoint, max_queued_messages=1, block_s=0.1, linger_s=0) as publisher:
        fill(publisher, 1)

        def send() -> float:
            started_s = time.monotonic()
            assert not publisher.trades(symbol="BTC-USD", side="buy", qty=[1] * count, price=[1] * count)
            return time.monotonic() - started_s

        assert quickest(send) <= 0.1 + SLACK_S
        assert publisher.dropped_trades == 3 * count


def test_threads_that_wait_do_not_wait_for_each_other(away: Receiver) -> None:
    with Publisher(away.endpoint, max_queued_messages=1, block_s=0.2, linger_s=0) as publisher:
        fill(publisher, 1)
        with ThreadPoolExecutor(10) as pool:
            longest_s = quickest(lambda: max(took_s for _, took_s in pool.map(timed, [publisher] * 10)))
        assert publisher.dropped_trades == 3 * 10
    assert longest_s <= 0.2 + SLACK_S


def test_a_call_that_waits_goes_on_as_soon_as_there_is_room(away: Receiver) -> None:
    with Publisher(away.endpoint, max_queued_messages=4, block_s=30) as publisher, ThreadPoolExecutor(1) as pool:
        fill(publisher, 4)
        call = pool.submit(timed, publisher)
        away.bind()
        assert away.seqs(5) == list(range(5))
        queued, took_s = call.result()
    assert queued
    assert took_s < 10


def test_threads_that_wait_for_room_lose_and_double_no_number(away: Receiver) -> None:
    threads, each = 4, 250
    start = threading.Barrier(threads)

    def send(publisher: Publisher) -> bool:
        start.wait()
        return all([publisher.trade("BTC-USD", "buy", 1, 1) for _ in range(each)])  # noqa: C419 - all are sent

    with Publisher(away.endpoint, max_queued_messages=8, block_s=30) as publisher, ThreadPoolExecutor(threads) as pool:
        calls = [pool.submit(send, publisher) for _ in range(threads)]
        away.bind(rcvhwm=1)
        assert away.seqs(threads * each) == list(range(threads * each))
        assert all(call.result() for call in calls)
        assert publisher.dropped_trades == 0
