"""What the paper desk lets a command be, and why it refuses one. Pure."""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context
from typing import NamedTuple

from ingest.desk.last_prices import LastPrice
from telemetry_schema import DeskCommand, TradeCommand

MAX_AHEAD_S = 5.0
"""How far the clock of whoever sends commands may be ahead of ours."""

_SLACK_RATIO = 1e-6
"""The numbers that a refusal names are rounded; whoever sends one of them must not be refused again."""

_SIX_DIGITS_DOWN = Context(prec=6, rounding=ROUND_FLOOR)

_SECOND_NS = 1_000_000_000


class Rejection(NamedTuple):
    """Why a command is refused: the reason's label, and a sentence for the person who sent it."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class DeskLimits:
    """What a command may be: quantity in base, notional in quote, distance from the last price as a ratio.

    A command older than `max_age_s` was delayed on its way: the price it was meant for is gone. A price older than
    `max_price_age_s` is none to trade at.
    """

    max_qty: float
    max_notional: float
    price_band_ratio: float
    max_commands_per_s: float
    max_age_s: float = 10.0
    max_price_age_s: float = 60.0
    max_open_orders: int = 100
    """Orders of one source that rest."""
    partial_fills: bool = False
    """Whether a trade fills no more of resting orders than its own quantity."""

    def age_rejection(self, command: DeskCommand, now_ns: int) -> Rejection | None:
        """Whether it was too long on its way, or comes from a clock that is ahead."""
        age_s = (now_ns - command.sent_ns) / _SECOND_NS
        if age_s < -MAX_AHEAD_S:
            # Its age cannot be known, so it might be filled again long after its answer was forgotten.
            return Rejection("too_new", f"It was sent {-age_s:,.0f} s in the future: check the sender's clock.")
        if age_s <= self.max_age_s:
            return None
        return Rejection("too_old", f"It was sent {age_s:,.0f} s ago: look at the market and send it again.")

    def price_rejection(self, command: TradeCommand, last: LastPrice, monotonic_ns: int) -> Rejection | None:
        """Whether there is no price to trade at."""
        age_s = (monotonic_ns - last.at_ns) / _SECOND_NS
        if age_s <= self.max_price_age_s:
            return None
        text = f"The last live price of {command.symbol} is {age_s:,.0f} s old: wait until it trades."
        return Rejection("stale_price", text)

    def size_rejection(self, command: TradeCommand, last: float) -> Rejection | None:
        """Whether quantity, price or notional are beyond the limits."""
        price = last if command.price is None else command.price
        if command.qty > self.max_qty:
            text = f"Quantity {command.qty:,.10g} is above the limit of {self.max_qty:,.10g}: send less."
            return Rejection("max_qty", text)
        # Of the distance, not of the ratio: a price may be 0 or negative.
        if abs(price - last) > abs(last) * (self.price_band_ratio + _SLACK_RATIO):
            width = abs(last) * self.price_band_ratio
            low, high = last - width, last + width
            text = f"Price {price:,.8g} is too far from the last one, {last:,.8g}: use {low:,.8g} to {high:,.8g}."
            return Rejection("price_band", text)
        if (notional := command.qty * abs(price)) > self.max_notional * (1 + _SLACK_RATIO):
            # Rounded to six digits it must not come out above the limit.
            most = _SIX_DIGITS_DOWN.create_decimal(self.max_notional / abs(price))
            text = f"Notional {notional:,.2f} is above the limit of {self.max_notional:,.2f}: send at most {most:f}."
            return Rejection("max_notional", text)
        return None
