"""From what is on the ticket to a command: pure, with id and time handed in."""

from dataclasses import dataclass
from uuid import UUID

from telemetry_schema import DeskState, KillSwitch, TradeCommand

DOUBLE_CLICK_NS = 500_000_000
"""The same order again within this time is one click of a shaky finger, not a second order."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What is on the screen when a side is pressed."""

    symbol: str | None
    side: str
    qty: float | None
    price: float | None


def objection(ticket: Ticket) -> str | None:
    """What is missing on the ticket, for the person; all limits are the desk's affair."""
    if not ticket.symbol:
        return "Choose a symbol: none has a price yet."
    if not ticket.qty or ticket.qty <= 0:
        return "Enter a quantity above 0."
    if ticket.price is not None and ticket.price <= 0:
        return "Enter a price above 0, or leave it empty for a market order."
    return None


def command(ticket: Ticket, *, source: str, command_id: UUID, now_ns: int) -> TradeCommand:
    """The ticket as a command."""
    return TradeCommand.model_validate(
        {
            "command_id": command_id,
            "source": source,
            "symbol": ticket.symbol,
            "side": ticket.side,
            "qty": ticket.qty,
            "price": ticket.price,
            "sent_ns": now_ns,
        }
    )


def is_double_click(order: TradeCommand, before: TradeCommand | KillSwitch | None, drawn_ns: int) -> bool:
    """Whether the same order was sent a moment ago.

    `drawn_ns` is when the page was drawn again after the order before: until then a second click waits its turn, so on
    a busy machine its own time says little.
    """
    if not isinstance(before, TradeCommand) or _content(order) != _content(before):
        return False
    return order.sent_ns - max(before.sent_ns, drawn_ns) <= DOUBLE_CLICK_NS


def _content(order: TradeCommand) -> tuple[str, str, float, float | None]:
    return order.symbol, order.side, order.qty, order.price


def notional(order: TradeCommand, last_price: float | None) -> float | None:
    """What the order is worth in quote currency; None for a market order of a symbol without a price."""
    price = order.price or last_price
    return None if price is None else order.qty * price


def needs_confirmation(order: TradeCommand, last_price: float | None, above: float) -> bool:
    """Whether to ask before it is sent; what cannot be valued is asked about as well."""
    worth = notional(order, last_price)
    return worth is None or worth > above


def limits(desk: DeskState) -> list[tuple[str, str]]:
    """The desk's limits in words."""
    return [
        ("Most per order", f"{desk.max_qty:,g} units"),
        ("Most notional", f"{desk.max_notional:,.0f}"),
        ("Price band", f"± {desk.price_band_ratio * 100:g} %"),
        ("Most per second", f"{desk.max_commands_per_s:g} orders"),
    ]
