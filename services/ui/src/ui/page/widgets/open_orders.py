"""The paper desk's resting orders on the Trade page, each with a button that cancels it. Pure."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import Final
from uuid import UUID

from telemetry_schema import DeskState, OpenOrder
from ui.instant import Instant
from ui.page.model import formats
from ui.page.model.parts import Part
from ui.page.model.view import PageView
from ui.page.widgets import tables
from ui.page.widgets.banner import zone_name
from ui.page.widgets.tables import Action, Cell, Row, name, number, text

CANCEL: Final = "cancel"
CANCEL_ALL: Final = "cancel_all"
_COLUMNS: Final = (
    name("Symbol"),
    text("Order"),
    number("Qty"),
    number("Filled"),
    number("Limit"),
    number("To go"),
    text("Since"),
    name("Sent by"),
    text("Cancel"),
)


def part(view: PageView, now: Instant, zone: tzinfo) -> Part:
    """The table's part, the newest order first."""
    desk = view.status.desk if view.status else None
    orders = list(reversed(desk.open_orders)) if desk else []
    under_way = cancels_under_way(view)
    rows = [_row(one, view, now, zone, is_cancelling=one.command_id in under_way) for one in orders]
    empty = "No order rests. A limit order does, until a trade goes through its price."
    more: Part = {"name": "open", "foot": _foot(desk, orders)}
    return tables.table("Open orders", _COLUMNS, rows, empty=empty, sub=zone_name(zone)) | more


def cancels_under_way(view: PageView) -> frozenset[UUID]:
    """The orders that somebody has cancelled, without an answer so far."""
    sent = (one for one in view.commands if one.status == "sent")
    return frozenset(one.order_id for one in sent if one.kind == "cancel" and one.order_id is not None)


def _foot(desk: DeskState | None, orders: Sequence[OpenOrder]) -> list[str | list[object]]:
    if desk is None or not orders:
        return []
    more = desk.open_orders_in_all - len(orders)
    hidden: list[str | list[object]] = [f"{more:,} more rest."] if more > 0 else []
    return [*hidden, [CANCEL_ALL, "all", "Cancel all"]]


def _row(one: OpenOrder, view: PageView, now: Instant, zone: tzinfo, *, is_cancelling: bool) -> Row:
    summary = view.summary(one.symbol)
    to_go = one.price / summary.last_price - 1 if summary and summary.last_price > 0 else None
    words = f"{one.side} {formats.exact(one.qty)} {one.symbol} at {formats.exact(one.price)}"
    cells = (
        Cell(one.symbol, "strong", title=one.symbol),
        Cell(formats.side(one.side), "up" if one.side == "buy" else "down"),
        formats.asked_qty(one.qty),
        formats.asked_qty(one.filled_qty) if one.filled_qty else formats.NONE,
        formats.price(one.price),
        formats.percent(to_go),
        Cell(formats.moment(one.received_ns, now.wall_ns, zone), "muted"),
        Cell(one.source, "muted", title=one.source),
        Cell("cancelling …", "muted") if is_cancelling else Action(CANCEL, "Cancel", f"Cancel {words}"),
    )
    return Row(one.command_id.hex, cells)
