"""Trades for the stack: so many that all sums are known to the last digit, or a flow while something is looked at."""

from random import Random
from typing import Final, Literal

from telemetry_client import Publisher
from tests.helpers.background import Background

QTY: Final = 0.25
PRICE: Final = 128.5
"""Sums of these are exact in float64."""

SIDES: Final[tuple[Literal["buy", "sell"], ...]] = ("buy", "sell")


def publish(publisher: Publisher, symbol: str, *, buys: int, sells: int) -> None:
    """Sends so many trades of one size and price."""
    for side, count in (("buy", buys), ("sell", sells)):
        for _ in range(count):
            assert publisher.trade(symbol, "buy" if side == "buy" else "sell", QTY, PRICE)


class Flow(Background):
    """Sends trades of two sources and three symbols all the time, about 300 a second, while its context is open."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        super().__init__("flow")

    def _run(self) -> None:
        chance = Random(7)  # noqa: S311 - prices, no secrets
        prices = {"BTC-USD": 61_000.0, "ETH-USD": 2_600.0, "SOL-USD": 150.0}
        with Publisher(self._endpoint, "bot") as bot, Publisher(self._endpoint, "loadtest") as load:
            while not self._ended.wait(0.02):
                for symbol in tuple(prices):
                    prices[symbol] *= 1 + chance.gauss(0, 1e-4)
                    for publisher in (bot, load):
                        qty = round(chance.expovariate(10), 4) + 0.0001
                        publisher.trade(symbol, chance.choice(SIDES), qty, round(prices[symbol], 2))
