"""From what a browser sent to a command, and what an order is worth: pure, with the time handed in."""

from pydantic import ValidationError

from telemetry_schema import DeskState, KillSwitch, TradeCommand
from telemetry_ticket import PressedOrder, PressedSwitch, UnreadableNumberError, read_number


class UnsendableOrderError(ValueError):
    """What was pressed is no order; the message says why, for the person."""


def command(pressed: PressedOrder, *, source: str, now_ns: int) -> TradeCommand:
    """The order exactly as it was typed.

    Raises:
        UnsendableOrderError: a number or a name is none.
    """
    try:
        return TradeCommand.model_validate(
            {
                "command_id": pressed.id,
                "source": source,
                "symbol": pressed.symbol,
                "side": pressed.side,
                "qty": read_number(pressed.qty),
                "price": None if pressed.price is None else read_number(pressed.price),
                # A price is a limit: it rests where the market has not come to it.
                "tif": None if pressed.price is None else "gtc",
                "sent_ns": now_ns,
            }
        )
    except UnreadableNumberError as error:
        raise UnsendableOrderError(str(error)) from error
    except ValidationError as error:
        raise UnsendableOrderError("it is not a valid order") from error


def switch(pressed: PressedSwitch, *, source: str, now_ns: int) -> KillSwitch:
    """The press of the kill switch as a command."""
    return KillSwitch(command_id=pressed.id, source=source, engaged=pressed.engaged, sent_ns=now_ns)


def notional(order: TradeCommand, last_price: float | None) -> float | None:
    """What the order is worth in quote currency; None for a market order of a symbol without a price."""
    price = last_price if order.price is None else order.price
    return None if price is None else order.qty * abs(price)


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
