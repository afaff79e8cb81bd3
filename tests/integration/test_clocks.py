"""The wall clock of real processes is set while they run, and a source's clock is slow: nothing stops."""

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import zmq

from tests.helpers.services import Pipeline, eventually
from tests.helpers.wall_clock import WallClock

SYMBOL = "BTC-USD"


class World:
    """A pipeline, one bot and one person, all of one wall clock."""

    def __init__(self, directory: Path) -> None:
        self.clock = WallClock(directory / "clock")
        self.pipeline = Pipeline(directory).run_on(self.clock)

    def send(self, *messages: dict[str, object], behind_s: float = 0.0) -> None:
        """Sends with the clock's times, or with those of a clock that is behind."""
        with zmq.Context() as context, context.socket(zmq.PUSH) as push:
            push.linger = 5_000
            push.connect(self.pipeline.endpoint)
            for message in messages:
                now_ns = self.clock.now_ns() - round(behind_s * 1e9)
                times = {"sent_ns": now_ns} | ({"event_ns": now_ns} if message["type"] == "trade" else {})
                push.send(json.dumps(message | times).encode())

    def trades(self, price: float, numbers: range, behind_s: float = 0.0) -> None:
        """Sends numbered trades, and waits until they and all before them are applied."""
        fields = {"type": "trade", "source": "bot", "run": "r", "symbol": SYMBOL, "side": "buy", "qty": 1.0}
        self.send(*(fields | {"seq": seq, "price": price} for seq in numbers), behind_s=behind_s)
        eventually(lambda: self.value("trading_trades_total", side="buy") == numbers.stop, what="trades being applied")

    def order(self) -> None:
        """Sends a market order of a person."""
        fields = {"type": "command", "command_id": str(uuid4()), "source": "ui", "symbol": SYMBOL}
        self.send(fields | {"side": "sell", "qty": 0.5})

    def orders(self, outcome: str, reason: str = "") -> float:
        """Orders with that outcome."""
        metrics = self.pipeline.ingest.metrics()
        return metrics.value("telemetry_commands_total", outcome=outcome, reason=reason)

    def value(self, name: str, **labels: str) -> float:
        """A metric of the symbol."""
        return self.pipeline.analytics.metrics().value(name, symbol=SYMBOL, **labels)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    with made.pipeline:
        made.pipeline.start()
        yield made


@pytest.mark.parametrize("step_s", [3_600, -3_600, 125, -125])
def test_after_a_step_of_the_clock_prices_windows_orders_and_retransmission_go_on(world: World, step_s: int) -> None:
    world.trades(100.0, range(5))
    world.clock.step(step_s)
    world.trades(101.0, range(5, 10))

    assert world.value("trading_last_price") == 101.0
    eventually(lambda: world.value("trading_window_trades", window="10s") >= 5, what="trades in the window")

    world.order()
    eventually(lambda: world.value("trading_last_price", origin="own") == 101.0, what="the order's fill")

    for service, price, first in ((world.pipeline.analytics, 102.0, 10), (world.pipeline.ingest, 103.0, 15)):
        service.kill()
        service.start().wait_ready()
        world.trades(price, range(first, first + 5))
        assert world.value("trading_last_price") == price
        eventually(lambda: world.value("trading_window_trades", window="10s") >= 5, what="trades in the window")
    assert world.pipeline.ingest.metrics().value("telemetry_source_lost_total", source="bot") == 0


def test_a_clock_that_is_set_back_and_forward_again_leaves_nothing_behind(world: World) -> None:
    numbers = iter(range(0, 50, 5))
    for step_s, price in ((0, 100.0), (-3_600, 101.0), (3_600, 102.0), (125, 103.0), (-125, 104.0)):
        world.clock.step(step_s)
        first = next(numbers)
        world.trades(price, range(first, first + 5))
        assert world.value("trading_last_price") == price

    world.order()
    eventually(lambda: world.value("trading_last_price", origin="own") == 104.0, what="the order's fill")


def test_a_source_125_s_behind_is_live_and_its_price_is_too_old_for_an_order(world: World) -> None:
    world.trades(100.0, range(5), behind_s=125)
    world.trades(101.0, range(5, 10), behind_s=125)

    assert world.value("trading_last_price") == 101.0
    assert world.value("trading_window_trades", window="5m") == 10
    skew_s = world.pipeline.analytics.metrics().value("telemetry_clock_skew_seconds", source="bot")
    assert 125 <= skew_s < 140

    world.order()
    eventually(lambda: world.orders("refused", "stale_price") == 1, what="the order being refused")
