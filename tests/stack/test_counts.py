"""What was published is what Prometheus says, to the last digit."""

import pytest

from telemetry_client import Publisher
from tests.helpers.compose import Stack
from tests.helpers.market import PRICE, QTY, publish

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]


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
