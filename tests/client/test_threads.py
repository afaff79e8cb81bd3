"""One publisher, many threads."""

import threading
from concurrent.futures import ThreadPoolExecutor

from telemetry_client import Publisher
from tests.client.conftest import Receiver

THREADS, EACH = 8, 1000


def test_numbers_from_many_threads_are_complete_and_in_the_order_of_arrival(ingest: Receiver) -> None:
    start = threading.Barrier(THREADS)

    def send(publisher: Publisher, name: str) -> None:
        start.wait()
        for number in range(EACH):
            assert publisher.trade(name, "buy", number + 1, 1)

    with Publisher(ingest.endpoint) as publisher, ThreadPoolExecutor(THREADS) as pool:
        calls = [pool.submit(send, publisher, f"T{index}") for index in range(THREADS)]
        for call in calls:
            call.result()
        trades = [ingest.trade() for _ in range(THREADS * EACH)]
    assert [trade.seq for trade in trades] == list(range(THREADS * EACH))
    for index in range(THREADS):
        assert [trade.qty for trade in trades if trade.symbol == f"T{index}"] == list(range(1, EACH + 1))


def test_numbers_of_single_trades_and_columns_fit_together(ingest: Receiver) -> None:
    def send_columns(publisher: Publisher) -> None:
        for _ in range(100):
            publisher.trades(symbol="C", side="buy", qty=[1, 2, 3], price=[1, 2, 3])

    def send_trades(publisher: Publisher) -> None:
        for _ in range(300):
            publisher.trade("T", "buy", 1, 1)

    with Publisher(ingest.endpoint) as publisher, ThreadPoolExecutor(2) as pool:
        for call in [pool.submit(send_columns, publisher), pool.submit(send_trades, publisher)]:
            call.result()
        assert publisher.sent_trades == 600
        expected = 0
        while expected < 600:
            frame = ingest.receive()
            assert frame.endswith(b'"seq":%d}' % expected)
            expected += 3 if b'"trades"' in frame else 1
