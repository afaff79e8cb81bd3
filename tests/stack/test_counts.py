"""What was published is what Prometheus says, to the last digit."""

import json
import time
from collections.abc import Iterator

import pytest
import zmq

from telemetry_client import Publisher
from tests.helpers.compose import Stack
from tests.helpers.market import PRICE, QTY, publish

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]


@pytest.fixture
def push(stack: Stack) -> Iterator[zmq.Socket[bytes]]:
    """A client in any language: a bare socket."""
    with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
        socket.connect(stack.trades_endpoint)
        socket.linger = 5000
        yield socket


def frame(source: str, seq: int, **changes: object) -> bytes:
    now_ns = time.time_ns()
    trade = {"type": "trade", "source": source, "run": "1", "seq": seq, "symbol": "RAW-USD", "side": "buy"}
    return json.dumps(trade | {"qty": QTY, "price": PRICE, "event_ns": now_ns, "sent_ns": now_ns} | changes).encode()


def test_totals_are_exactly_what_the_client_published(stack: Stack) -> None:
    with Publisher(stack.trades_endpoint, "exact-1") as one, Publisher(stack.trades_endpoint, "exact-2") as two:
        publish(one, "EXACT-A", buys=700, sells=300)
        publish(two, "EXACT-A", buys=11, sells=0)
        publish(two, "EXACT-B", buys=0, sells=523)
    expected = {("EXACT-A", "buy"): 711, ("EXACT-A", "sell"): 300, ("EXACT-B", "sell"): 523, ("EXACT-B", "buy"): 0}
    for (symbol, side), count in expected.items():
        labels = f'{{symbol="{symbol}",side="{side}"}}'
        stack.wait_until(f"trading_trades_total{labels}", count)
        assert stack.value(f"trading_volume_total{labels}") == count * QTY
        assert stack.value(f"trading_notional_total{labels}") == count * QTY * PRICE
    for source, count in (("exact-1", 1000), ("exact-2", 534)):
        stack.wait_until(f'telemetry_source_trades_total{{source="{source}"}}', count)
        assert stack.value(f'telemetry_source_lost_total{{source="{source}"}}') == 0
    assert stack.value('trading_last_price{symbol="EXACT-A"}') == PRICE


def test_columns_count_every_trade_in_them(stack: Stack) -> None:
    with Publisher(stack.trades_endpoint, "columns") as publisher:
        assert publisher.trades(symbol="EXACT-C", side="sell", qty=[QTY] * 5000, price=[PRICE] * 5000)
    stack.wait_until('trading_volume_total{symbol="EXACT-C",side="sell"}', 5000 * QTY)


def test_what_is_refused_duplicate_or_lost_is_counted_as_such_and_the_ledger_adds_up(
    stack: Stack, push: zmq.Socket[bytes]
) -> None:
    outcomes = 'telemetry_messages_total{service="ingest"}'
    before = {line.labels["outcome"]: line.last for line in stack.prometheus.at(outcomes)}
    frames = [frame("raw", seq) for seq in (0, 1, 2, 1, 7)] + [b"{", frame("raw", 8, side="long"), frame("raw", 8)]
    for each in frames:
        push.send(each)
    stack.wait_until('telemetry_source_trades_total{source="raw"}', 5)
    after = {line.labels["outcome"]: line.last for line in stack.prometheus.at(outcomes)}
    grown = {outcome: after[outcome] - before[outcome] for outcome in after}
    assert grown == {"accepted": 5, "refused": 2, "duplicate": 1, "ignored": 0}
    assert sum(grown.values()) == len(frames)
    assert stack.value('telemetry_source_lost_total{source="raw"}') == 4
    assert stack.value('telemetry_source_duplicate_total{source="raw"}') == 1
    stack.wait_until('trading_trades_total{symbol="RAW-USD",side="buy"}', 5)
