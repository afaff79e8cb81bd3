"""Positions and profit of the paper account, at average cost. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from telemetry_schema import Position

_DUST = 1e-12
"""Below this share of the traded quantity a position is flat: the rest is rounding of floats."""


@dataclass(slots=True)
class Holding:
    """One symbol: units of base (negative is short), average entry price, realised profit in quote currency."""

    qty: float = 0.0
    average_price: float = 0.0
    realised: float = 0.0

    def fill(self, signed_qty: float, price: float) -> None:
        """Adds a fill; the part that closes realises (exit - entry) x closed quantity."""
        closing = min(abs(signed_qty), abs(self.qty)) if self.qty * signed_qty < 0 else 0.0
        direction = 1.0 if self.qty > 0 else -1.0
        self.realised += closing * (price - self.average_price) * direction
        total = self.qty + signed_qty
        if abs(total) <= _DUST * abs(signed_qty):
            self.qty, self.average_price = 0.0, 0.0
            return
        if not closing:
            self.average_price = (self.average_price * abs(self.qty) + price * abs(signed_qty)) / abs(total)
        elif closing < abs(signed_qty):  # it turned round: what is left was opened at this price
            self.average_price = price
        self.qty = total


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
    unrealised = 0.0 if last is None else held.qty * (last - held.average_price)
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
