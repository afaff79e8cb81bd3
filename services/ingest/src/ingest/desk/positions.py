"""Positions and profit of the paper account, at average cost. Pure."""

import math
from collections.abc import Mapping

from telemetry_schema import Holding, Position


class Book:
    """All positions of the account."""

    def __init__(self) -> None:
        self._holdings: dict[str, Holding] = {}

    def fill(self, symbol: str, side: str, qty: float, price: float) -> None:
        """Adds a fill of `qty` units of base at `price`."""
        self._holdings.setdefault(symbol, Holding()).fill(qty if side == "buy" else -qty, price)

    def holdings(self) -> dict[str, tuple[float, float, float]]:
        """Each symbol's quantity, average price and realised profit, to be kept."""
        return {symbol: (held.qty, held.average_price, held.realised) for symbol, held in self._holdings.items()}

    def restore(self, holdings: Mapping[str, tuple[float, float, float]]) -> None:
        """Takes over what was kept."""
        self._holdings = {symbol: Holding(*held) for symbol, held in holdings.items()}

    def positions(self, last_prices: Mapping[str, float]) -> list[Position]:
        """Each symbol that was ever traded, valued at its last price."""
        return [_position(symbol, held, last_prices.get(symbol)) for symbol, held in sorted(self._holdings.items())]


def _position(symbol: str, held: Holding, last: float | None) -> Position:
    unrealised = 0.0 if last is None else held.unrealised(last)
    if not math.isfinite(unrealised):
        # One trade at an absurd price must not end the report of all others.
        last, unrealised = None, 0.0
    return Position(
        symbol=symbol,
        qty=held.qty,
        average_price=held.average_price if held.qty else None,
        last_price=last,
        realised=held.realised,
        unrealised=unrealised,
    )
