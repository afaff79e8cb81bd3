"""How large a trade may be: one absurd trade must not make a sum infinite, or drown all others in it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from telemetry_schema.batch import Records


@dataclass(frozen=True, slots=True)
class SizeLimits:
    """The largest values that are accepted, each finite. Far above any market: currencies with many zeros have room."""

    max_price_abs: float = 1e12
    """Quote currency per unit of base, of either sign."""
    max_qty: float = 1e15
    """Units of base."""
    max_notional: float = 1e15
    """Quote currency, price x quantity."""

    def admit(self, records: Records) -> bool:
        """Whether all of the trades are within the limits."""
        prices, qtys = np.abs(records["price"]), records["qty"]
        if prices.max() > self.max_price_abs or qtys.max() > self.max_qty:
            return False
        return bool((prices * qtys).max() <= self.max_notional)

    def fault(self, price: float, qty: float) -> str | None:
        """What is too large about a trade, for a person; None if nothing is."""
        if abs(price) > self.max_price_abs:
            return f"price {price:g} is beyond {self.max_price_abs:g} (INGEST_MAX_PRICE_ABS)"
        if qty > self.max_qty:
            return f"qty {qty:g} is above {self.max_qty:g} (INGEST_MAX_QTY)"
        if abs(price) * qty > self.max_notional:
            return f"notional {abs(price) * qty:g} is above {self.max_notional:g} (INGEST_MAX_NOTIONAL)"
        return None

    def fault_of_many(self, prices: Sequence[float], qtys: Sequence[float]) -> str | None:
        """The same for the first of many trades that is too large."""
        # Nearly always the largest of each prove that all are good.
        highest, lowest = max(prices), min(prices)
        if self.fault(max(highest, -lowest), max(qtys)) is None:
            return None
        for index, (price, qty) in enumerate(zip(prices, qtys, strict=True)):
            if text := self.fault(price, qty):
                return f"trade {index}: {text}"
        return None
