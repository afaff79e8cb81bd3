"""The blotter and the positions: tables over the commands and the paper account. Pure."""

from typing import Final

from telemetry_schema import DeskState, Position, SymbolSummary
from ui.page.model import formats
from ui.page.model.view import PageView
from ui.page.widgets import tables
from ui.page.widgets.tables import Cell, Row, Tone, number, sentence, text
from ui.wire import CommandStatus, CommandView

ROWS: Final = 40
_TONES: Final[dict[CommandStatus, Tone]] = {
    "sent": "",
    "accepted": "warn",
    "applied": "good",
    "refused": "bad",
    "no_answer": "warn",
}
_BLOTTER: Final = (
    text("Time"),
    text("Order"),
    number("Qty"),
    text("Symbol"),
    number("Asked"),
    number("Filled"),
    text("Status"),
    number("Round trip ms"),
    sentence("Reason"),
    text("Id"),
)
_QUOTES: Final = (text("Symbol"), number("Last"), number("Change"))
_POSITIONS: Final = (
    text("Symbol"),
    number("Position"),
    number("Average"),
    number("Last"),
    number("Value"),
    number("Unrealised"),
    number("Realised"),
)


def blotter(view: PageView) -> str:
    """The newest commands of all sessions."""
    rows = map(_command, view.commands[:ROWS])
    return tables.table("Blotter", _BLOTTER, rows, empty="No orders yet. What you send shows here, with its answer.")


def _command(one: CommandView) -> Row:
    asked = formats.price(one.price) if one.price else "market"
    took_ns = one.applied_after_ns if one.applied_after_ns is not None else one.answered_after_ns
    if one.kind == "kill_switch":
        order, asked = Cell("Kill switch on" if one.engaged else "Kill switch off", "warn"), formats.NONE
    else:
        order = Cell(formats.side(one.side), "up" if one.side == "buy" else "down")
    return (
        Cell(formats.clock(one.sent_ns, milliseconds=True), "muted"),
        order,
        formats.asked_qty(one.qty),
        one.symbol or formats.NONE,
        asked,
        formats.price(one.filled_price),
        Cell(one.status.replace("_", " "), _TONES[one.status], badge=True),
        formats.latency(took_ns),
        Cell(one.reason or "", "muted", title=one.reason or ""),
        Cell(one.command_id.hex[:8], "muted", title=str(one.command_id)),
    )


def quotes(view: PageView) -> str:
    """The last price of each symbol, beside the ticket."""
    found = sorted(view.snapshot.symbols, key=lambda one: one.symbol) if view.snapshot else []
    return tables.table("Quotes", _QUOTES, map(_quote, found), empty="No prices yet.")


def _quote(one: SymbolSummary) -> Row:
    stats = one.windows["1m"]
    change = formats.change(stats)
    return Cell(one.symbol, "strong"), formats.price(one.last_price), tables.signed(change, formats.percent(change))


def positions(desk: DeskState | None) -> str:
    """The paper account by symbol, with a total."""
    held = desk.positions if desk else []
    rows = [_position(one) for one in held]
    if len(held) > 1:
        rows.append(_total(held))
    return tables.table("Positions", _POSITIONS, rows, empty="No positions. The first fill opens one.")


def _position(one: Position) -> Row:
    value = one.qty * one.last_price if one.last_price is not None else None
    return (
        Cell(one.symbol, "strong"),
        tables.signed(one.qty, f"{'−' if one.qty < 0 else ''}{formats.qty(abs(one.qty))}"),
        formats.price(one.average_price),
        formats.price(one.last_price, one.average_price),
        formats.money(value),
        tables.signed(one.unrealised, formats.money(one.unrealised)),
        tables.signed(one.realised, formats.money(one.realised)),
    )


def _total(held: list[Position]) -> Row:
    unrealised, realised = sum(one.unrealised for one in held), sum(one.realised for one in held)
    value = sum(one.qty * one.last_price for one in held if one.last_price is not None)
    return (
        Cell("All", "strong"),
        "",
        "",
        "",
        Cell(formats.money(value), "strong"),
        tables.signed(unrealised, formats.money(unrealised)),
        tables.signed(realised, formats.money(realised)),
    )
