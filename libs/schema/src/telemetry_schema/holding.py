"""Position and profit at average cost: one arithmetic for the paper desk and for the books of all bots. Pure.

closing part     realised += closed quantity × (price − average) × direction
opening part     average = (average × |position| + price × |quantity|) / |new position|
turn round zero  the closing part realises, what is left opens at the fill's price
"""

from dataclasses import dataclass
from typing import Final

DUST_RATIO: Final = 1e-12
"""Below this share of the traded quantity a position is flat: the rest is rounding of floats."""


@dataclass(slots=True)
class Holding:
    """One symbol: units of base (negative is short), average entry price, realised profit in quote currency."""

    qty: float = 0.0
    average_price: float = 0.0
    realised: float = 0.0

    def fill(self, signed_qty: float, price: float) -> None:
        """Adds a fill of signed units of base; the part that closes realises its profit."""
        closing = min(abs(signed_qty), abs(self.qty)) if self.qty * signed_qty < 0 else 0.0
        direction = 1.0 if self.qty > 0 else -1.0
        self.realised += closing * (price - self.average_price) * direction
        total = self.qty + signed_qty
        if abs(total) <= DUST_RATIO * abs(signed_qty):
            self.qty, self.average_price = 0.0, 0.0
            return
        if not closing:
            self.average_price = (self.average_price * abs(self.qty) + price * abs(signed_qty)) / abs(total)
        elif closing < abs(signed_qty):  # it turned round: what is left was opened at this price
            self.average_price = price
        self.qty = total

    def unrealised(self, mark: float) -> float:
        """Profit if all were closed at `mark`, in quote currency."""
        return self.qty * (mark - self.average_price)
