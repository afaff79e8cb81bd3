"""What a publisher sends, and how it numbers it."""

import json
import time
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import zmq

from telemetry_client import CurveKeys, Publisher
from telemetry_client.connection import Connection
from telemetry_client.outbox import MemoryOutbox
from telemetry_client.publisher import MAX_MESSAGE_TRADES
from telemetry_client.run_counts import TRADE, RunCounts
from telemetry_schema import MAX_FRAME_BYTES, Trade, TradeColumns
from tests.client.conftest import Receiver

LATER_NS = 10_000 * 86_400_000_000_000


def test_a_trade_arrives_with_its_values(ingest: Receiver) -> None:
    with Publisher(ingest.endpoint, "bot", account="desk-1", run="r1") as publisher:
        assert publisher.trade("BTC-USD", "sell", 0.1, 61000.5, event_ns=10**18 + 7, id="t-1")
        trade = ingest.trade()
    expected = Trade(
        source="bot",
        run=publisher.run,
        seq=0,
        symbol="BTC-USD",
        side="sell",
        qty=0.1,
        price=61000.5,
        event_ns=10**18 + 7,
        sent_ns=trade.sent_ns,
        id="t-1",
        account="desk-1",
    )
    assert trade == expected


def test_what_was_not_given_is_left_out(ingest: Receiver, publisher: Publisher) -> None:
    publisher.trade("BTC-USD", "buy", 1, 2)
    frame = ingest.receive()
    assert b"account" not in frame
    assert b'"id"' not in frame


def test_decimals_and_scalars_of_arrays_are_numbers(ingest: Receiver, publisher: Publisher) -> None:
    publisher.trade("BTC-USD", "buy", Decimal("0.1"), np.float32(2))  # type: ignore[arg-type]  # they are floats enough
    trade = ingest.trade()
    assert (trade.qty, trade.price) == (0.1, 2.0)


def test_without_a_time_a_trade_happened_now(ingest: Receiver, publisher: Publisher) -> None:
    before_ns = time.time_ns()
    publisher.trade("BTC-USD", "buy", 1, 2)
    trade = ingest.trade()
    assert before_ns <= trade.event_ns == trade.sent_ns <= time.time_ns()


def test_trades_are_numbered_from_zero_without_gaps(ingest: Receiver, publisher: Publisher) -> None:
    for number in range(100):
        publisher.trade("BTC-USD", "buy", 1, number + 1)
    trades = [ingest.trade() for _ in range(100)]
    assert [trade.seq for trade in trades] == list(range(100))
    assert [trade.price for trade in trades] == list(range(1, 101))
    assert publisher.sent_trades == 100
    assert publisher.dropped_trades == 0


def test_each_publisher_has_a_run_of_its_own(ingest: Receiver) -> None:
    with Publisher(ingest.endpoint, "bot") as first, Publisher(ingest.endpoint, "bot") as second:
        assert first.run != second.run
        first.trade("BTC-USD", "buy", 1, 2)
        assert ingest.trade().run == first.run


def test_columns_arrive_with_their_values(ingest: Receiver, publisher: Publisher) -> None:
    assert publisher.trades(
        symbol=["A", "B"], side=["buy", "sell"], qty=[1, 2.5], price=[3, 4], event_ns=[10**18 + 5, 10**18 + 6]
    )
    columns = ingest.columns()
    assert columns == TradeColumns(
        source="bot",
        run=publisher.run,
        seq=0,
        sent_ns=columns.sent_ns,
        symbol=["A", "B"],
        side=["buy", "sell"],
        qty=[1, 2.5],
        price=[3, 4],
        event_ns=[10**18 + 5, 10**18 + 6],
    )


def test_one_symbol_or_side_stands_for_all_and_no_time_is_now(ingest: Receiver, publisher: Publisher) -> None:
    publisher.trades(symbol="BTC-USD", side="buy", qty=[1, 2, 3], price=[1, 2, 3])
    columns = ingest.columns()
    assert columns.symbol == ["BTC-USD"] * 3
    assert columns.side == ["buy"] * 3
    assert columns.event_ns == [columns.sent_ns] * 3


def test_arrays_are_taken_as_columns(ingest: Receiver, publisher: Publisher) -> None:
    times = pd.Series(pd.to_datetime([LATER_NS, 2 * LATER_NS], unit="ns"))
    publisher.trades(
        symbol=np.array(["A", "B"]),
        side=pd.Series(["buy", "sell"]),
        qty=np.array([1.5, 2.5], np.float32),
        price=(price for price in (3.0, 4.0)),
        event_ns=times.to_numpy(),
    )
    columns = ingest.columns()
    assert columns.symbol == ["A", "B"]
    assert columns.side == ["buy", "sell"]
    assert columns.qty == [1.5, 2.5]
    assert columns.price == [3.0, 4.0]
    assert columns.event_ns == [LATER_NS, 2 * LATER_NS]


def test_long_columns_travel_in_pieces_and_the_numbers_go_on(ingest: Receiver, publisher: Publisher) -> None:
    total = 2 * MAX_MESSAGE_TRADES + 5
    publisher.trade("BTC-USD", "buy", 1, 1)
    assert publisher.trades(symbol="BTC-USD", side="buy", qty=np.arange(1, total + 1), price=np.ones(total))
    publisher.trade("BTC-USD", "buy", 1, 1)
    assert ingest.trade().seq == 0
    pieces = [ingest.columns() for _ in range(3)]
    assert [piece.seq for piece in pieces] == [1, 1 + MAX_MESSAGE_TRADES, 1 + 2 * MAX_MESSAGE_TRADES]
    assert [qty for piece in pieces for qty in piece.qty] == list(range(1, total + 1))
    assert ingest.trade().seq == total + 1
    assert publisher.stats().sent_messages == 5


def test_the_longest_message_is_far_below_what_ingest_accepts(ingest: Receiver) -> None:
    many, long = MAX_MESSAGE_TRADES, 1.2345678901234567e-300
    with Publisher(ingest.endpoint, "s" * 64, run="r" * 64) as publisher:
        publisher.trades(
            symbol="S" * 32, side="sell", qty=[long] * many, price=[long] * many, event_ns=[2**63 - 1] * many
        )
        assert len(ingest.receive()) <= 120_000 < MAX_FRAME_BYTES


def test_no_trades_are_no_message(ingest: Receiver, publisher: Publisher) -> None:
    assert publisher.trades(symbol=[], side=[], qty=[], price=[], event_ns=[])
    publisher.trade("BTC-USD", "buy", 1, 1)
    assert ingest.trade().seq == 0


def test_columns_carry_the_account(ingest: Receiver) -> None:
    with Publisher(ingest.endpoint, "bot", account="desk-1") as publisher:
        assert publisher.trades(symbol=["A", "B"], side="buy", qty=[1, 2], price=[3, 4])
        columns = ingest.columns()
    assert (columns.seq, columns.symbol, columns.qty, columns.account) == (0, ["A", "B"], [1, 2], "desk-1")


@pytest.mark.parametrize("own_pair", [False, True])
def test_with_keys_the_connection_is_encrypted(away: Receiver, *, own_pair: bool) -> None:
    server_public, server_secret = zmq.curve_keypair()
    away.bind(curve_server=True, curve_secretkey=server_secret)
    client = [key.decode() for key in zmq.curve_keypair()] if own_pair else []
    with Publisher(away.endpoint, "bot", curve=CurveKeys(server_public.decode(), *client)) as publisher:
        publisher.trade("BTC-USD", "buy", 1, 2)
        assert away.trade().price == 2


class InterruptedConnection(Connection):
    """Is interrupted by Ctrl+C when the second message has been sent, or just before."""

    offers = 0
    is_sent_before = True

    def offer(self, frame: bytes) -> bool:
        self.offers += 1
        if self.offers != 2:
            return super().offer(frame)
        if self.is_sent_before:
            super().offer(frame)
        raise KeyboardInterrupt


@pytest.mark.parametrize(("is_sent", "expected"), [(True, [0, 1, 2]), (False, [0, 2])])
@pytest.mark.parametrize("kind", [TRADE, "order"])
def test_a_bot_that_is_interrupted_and_goes_on_uses_no_number_twice(
    ingest: Receiver, kind: str, *, is_sent: bool, expected: list[int]
) -> None:
    connection = InterruptedConnection(ingest.endpoint, max_queued_messages=10, curve=None)
    connection.is_sent_before = is_sent
    waits = {"block_s": 0.0, "linger_s": 30.0, "alive_every_s": 60.0}
    outbox = MemoryOutbox(connection, RunCounts("bot", "run"), max_queued_messages=10, **waits)
    count = int(kind == TRADE)
    assert outbox.put(b'{"type":"x"}', count, None, kind)
    with pytest.raises(KeyboardInterrupt):
        outbox.put(b'{"type":"x"}', count, None, kind)
    assert outbox.put(b'{"type":"x"}', count, None, kind)
    assert [json.loads(ingest.receive())["seq"] for _ in expected] == expected
    assert outbox.stats().sent_messages == 3
    outbox.close()
