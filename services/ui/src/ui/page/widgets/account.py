"""The paper account on the Trade page: its figures, quotes, positions, blotter and profit. Pure."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import Final

from telemetry_schema import DeskState, Position, SymbolSummary
from ui.instant import Instant
from ui.page.model import formats
from ui.page.model.parts import Part
from ui.page.model.selection import Selection
from ui.page.model.view import PageView
from ui.page.widgets import blotter, charts, open_orders, tables
from ui.page.widgets.tables import Cell, Row, name, number, signed
from ui.page.widgets.watchlist import in_order

MAX_QUOTES: Final = 60
OLD_QUOTE_NS: Final = 5_000_000_000
"""Bid and ask are renewed several times a second; older ones are paler and say how old they are."""
_QUOTES: Final = (name("Symbol"), number("Last"), number("Change"))
_BID_ASK: Final = (number("Bid"), number("Ask"))
_POSITIONS: Final = (
    name("Symbol"),
    number("Position"),
    number("Average"),
    number("Last"),
    number("Value"),
    number("Unrealised"),
    number("Realised"),
)


def parts(view: PageView, selection: Selection, now: Instant, zone: tzinfo) -> dict[str, Part]:
    """All panels but the ticket and the kill switch."""
    desk = view.status.desk if view.status else None
    return {
        "cards": _figures(desk),
        "quotes": quotes(view, selection, now),
        "positions": positions(desk, selection),
        "open": open_orders.part(view, now, zone),
        "blotter": blotter.part(view, selection, now, zone),
        "equity": charts.equity(view.equity, zone),
    }


def _figures(desk: DeskState | None) -> Part:
    held = desk.positions if desk else []
    unrealised, realised = sum(one.unrealised for one in held), sum(one.realised for one in held)
    gross = sum(abs(one.qty * one.last_price) for one in held if one.last_price is not None)
    account = f"account {desk.account}" if desk else "ingest has not reported"
    return {
        "kind": "cards",
        "cards": [
            ["Profit", formats.money(unrealised + realised, gross), account, ""],
            ["Realised", formats.money(realised, gross), "closed positions", ""],
            ["Unrealised", formats.money(unrealised, gross), "at the last price", ""],
            ["Gross exposure", formats.unsigned_money(gross), _open_positions(held), ""],
        ],
    }


def _open_positions(held: Sequence[Position]) -> str:
    """How many are not flat: a closed one stays in the table, with what was earned."""
    count = sum(one.qty != 0 for one in held)
    return "1 position" if count == 1 else f"{count} positions"


def quotes(view: PageView, selection: Selection, now: Instant) -> Part:
    """The last price of each symbol, in the order of the Market page; a click chooses it for the ticket."""
    found = in_order(list(view.snapshot.symbols), selection)[:MAX_QUOTES] if view.snapshot else []
    # Most have no quotes: then there is no column for them.
    is_quoted = any(one.quote for one in found)
    rows = [_quote(one, selection, _bid_ask(one, view, now) if is_quoted else ()) for one in found]
    columns = (*_QUOTES, *_BID_ASK) if is_quoted else _QUOTES
    part = tables.table("Quotes", columns, rows, empty="No prices yet.", sub=f"change over 1m{view.cut}")
    return part | {"name": "quotes", "pick": True}


def _bid_ask(one: SymbolSummary, view: PageView, now: Instant) -> tuple[Cell, ...]:
    if one.quote is None:
        return (Cell(formats.NONE), Cell(formats.NONE))
    age_ns = view.age_ns(one.quote.event_ns, now)
    prices = (formats.price(price, one.last_price) for price in (one.quote.bid, one.quote.ask))
    if age_ns <= OLD_QUOTE_NS:
        return tuple(map(Cell, prices))
    return tuple(Cell(price, "muted", title=f"quoted {formats.ago(age_ns)}") for price in prices)


def _quote(one: SymbolSummary, selection: Selection, bid_ask: Sequence[Cell]) -> Row:
    change = formats.change(one.windows["1m"])
    cells: tuple[Cell | str, ...] = (
        Cell(one.symbol, "strong", title=one.symbol),
        formats.price(one.last_price),
        signed(change, formats.percent(change)),
        *bid_ask,
    )
    return Row(one.symbol, cells, is_marked=one.symbol == selection.symbol)


def positions(desk: DeskState | None, selection: Selection) -> Part:
    """The paper account by symbol, with a total; a click chooses the symbol."""
    held = desk.positions if desk else []
    rows = [_position(one, selection) for one in held]
    if len(held) > 1:
        rows.append(_total(held))
    empty, sub = "No positions. The first fill opens one.", "average cost, valued at the last price"
    return tables.table("Positions", _POSITIONS, rows, empty=empty, sub=sub) | {"name": "positions", "pick": True}


def _position(one: Position, selection: Selection) -> Row:
    value = one.qty * one.last_price if one.last_price is not None else None
    cells = (
        Cell(one.symbol, "strong", title=one.symbol),
        signed(one.qty, f"{'−' if one.qty < 0 else ''}{formats.qty(abs(one.qty))}"),
        formats.price(one.average_price),
        formats.price(one.last_price, one.average_price),
        formats.money(value),
        signed(one.unrealised, formats.money(one.unrealised, value)),
        signed(one.realised, formats.money(one.realised, value)),
    )
    return Row(one.symbol, cells, is_marked=one.symbol == selection.symbol)


def _total(held: Sequence[Position]) -> Row:
    unrealised, realised = sum(one.unrealised for one in held), sum(one.realised for one in held)
    value = sum(one.qty * one.last_price for one in held if one.last_price is not None)
    # No symbol can have this key: names have no blanks at their ends.
    cells = (
        Cell("All", "strong"),
        "",
        "",
        "",
        Cell(formats.money(value), "strong"),
        signed(unrealised, formats.money(unrealised, value)),
        signed(realised, formats.money(realised, value)),
    )
    return Row(" all ", cells)
