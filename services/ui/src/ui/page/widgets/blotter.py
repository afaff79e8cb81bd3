"""The blotter: the commands of all sessions, filtered, in pages, and as CSV. Pure."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Final

from ui.instant import Instant
from ui.page.model import formats
from ui.page.model.parts import Part
from ui.page.model.selection import Selection, Show
from ui.page.model.view import PageView
from ui.page.widgets import tables
from ui.page.widgets.banner import zone_name
from ui.page.widgets.tables import Cell, Row, Tone, name, number, sentence, text
from ui.wire import CommandStatus, CommandView

ROWS: Final = 25
_TONES: Final[dict[CommandStatus, Tone]] = {
    "sent": "",
    "resting": "warn",
    "accepted": "warn",
    "applied": "good",
    "refused": "bad",
    "cancelled": "",
    "no_answer": "warn",
}
_SHOWN: Final[dict[Show, frozenset[CommandStatus]]] = {
    "all": frozenset(_TONES),
    "trades": frozenset({"accepted", "applied"}),
    "refused": frozenset({"refused"}),
    "open": frozenset({"sent", "resting", "accepted", "no_answer"}),
}
_LABELS: Final[dict[Show, str]] = {"all": "All", "trades": "Filled", "refused": "Refused", "open": "Open"}
_COLUMNS: Final = (
    text("Time"),
    text("Order"),
    number("Qty"),
    name("Symbol"),
    number("Asked"),
    number("Filled"),
    text("Status"),
    number("Round trip ms"),
    sentence("Reason"),
    name("Sent by"),
    text("Id"),
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def part(view: PageView, selection: Selection, now: Instant, zone: tzinfo) -> Part:
    """One page of the commands that are asked for, newest first."""
    found = filtered(view.commands, selection)
    pages = max(1, -(-len(found) // ROWS))
    page = min(selection.order_page, pages - 1)
    rows = [_row(one, now, zone) for one in found[page * ROWS : (page + 1) * ROWS]]
    empty = "No order is like this." if view.commands else "No orders yet. What you send shows here, with its answer."
    sub = f"{len(view.commands)} sent by all sessions, newest first, {zone_name(zone)}"
    shown = [["show", key, label, key == selection.orders] for key, label in _LABELS.items()]
    more: Part = {
        "name": "blotter",
        "find": selection.order_find,
        "finds": "Search orders",
        "filters": [*shown, ["csv", "blotter", "CSV", None]],
        "foot": tables.page_buttons(page, pages, len(found)),
    }
    return tables.table("Blotter", _COLUMNS, rows, empty=empty, sub=sub) | more


def filtered(commands: Sequence[CommandView], selection: Selection) -> list[CommandView]:
    """The commands with a status and a text that are asked for."""
    wanted, words = _SHOWN[selection.orders], selection.order_find.casefold()
    return [one for one in commands if one.status in wanted and words in _searched(one)]


def _searched(one: CommandView) -> str:
    return (
        f"{one.symbol} {one.side or one.kind} {one.status} {one.reason or ''} {one.source} {one.command_id}".casefold()
    )


def _row(one: CommandView, now: Instant, zone: tzinfo) -> Row:
    asked = "market" if one.price is None else formats.price(one.price)
    took_ns = one.applied_after_ns if one.applied_after_ns is not None else one.answered_after_ns
    if one.kind == "trade":
        order = Cell(formats.side(one.side), "up" if one.side == "buy" else "down")
    else:
        order, asked = Cell(_name_of(one), "warn"), formats.NONE
    cells = (
        Cell(formats.moment(one.sent_ns, now.wall_ns, zone, milliseconds=True), "muted"),
        order,
        formats.asked_qty(one.qty),
        Cell(one.symbol or formats.NONE, title=one.symbol),
        asked,
        formats.price(one.filled_price),
        Cell(one.status.replace("_", " "), _TONES[one.status], badge=True),
        formats.latency(took_ns),
        Cell(one.reason or "", "muted", title=one.reason or ""),
        Cell(one.source, "muted", title=one.source),
        Cell(one.command_id.hex[:8], "muted", title=str(one.command_id)),
    )
    return Row(one.command_id.hex, cells)


def _name_of(one: CommandView) -> str:
    if one.kind == "kill_switch":
        return "Kill switch on" if one.engaged else "Kill switch off"
    return f"Cancel {one.order_id.hex[:8]}" if one.order_id else "Cancel all"


def as_csv(commands: Sequence[CommandView]) -> str:
    """All commands with all their digits; times are UTC. It opens in a spreadsheet, where no text becomes a formula."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(["time", "kind", "side", "qty", "symbol", "asked", "filled", "status", "reason", "source", "id"])
    for one in commands:
        at = datetime.fromtimestamp(one.sent_ns / 1e9, UTC).isoformat(timespec="milliseconds")
        words = [one.kind, one.side or "", one.qty, one.symbol, one.price, one.filled_price, one.status]
        row = [at, *words, one.reason or "", one.source, str(one.command_id)]
        writer.writerow([_harmless(value) if isinstance(value, str) else value for value in row])
    return "\ufeff" + file.getvalue()


def _harmless(value: str) -> str:
    return f"'{value}" if value.startswith(_FORMULA) else value
