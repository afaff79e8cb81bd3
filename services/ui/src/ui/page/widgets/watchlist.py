"""All symbols in one table: pinned ones first, the rest as sorted, cut to what can be looked at. Pure."""

from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import Final

from telemetry_schema import SymbolSummary
from ui.instant import Instant
from ui.page.model import formats
from ui.page.model.parts import Part
from ui.page.model.selection import Selection
from ui.page.model.spans import covered, per_second
from ui.page.model.view import PageView
from ui.page.widgets.tables import Cell, Row, name, number, signed, table

MAX_ROWS: Final = 60
_COLUMNS: Final = (
    name("Symbol", "symbol"),
    number("Last", "last"),
    number("Change", "change"),
    number("VWAP"),
    number("Low"),
    number("High"),
    number("Bought", "bought"),
    number("Sold", "sold"),
    number("Imbalance", "imbalance"),
    number("Trades/s", "rate"),
    number("Trades in all", "trades"),
    number("Last trade", "age"),
)


def part(view: PageView, selection: Selection, now: Instant, *, replayed_in: tzinfo | None) -> Part:
    """The table's part. Of a recording, no ages mean anything: times are shown, in the zone `replayed_in`."""
    known = view.snapshot.symbols if view.snapshot else []
    wanted = [one for one in known if selection.find.casefold() in one.symbol.casefold()]
    rows = in_order(wanted, selection)
    shown = rows[:MAX_ROWS]
    moving = [_row(one, selection, view, now, replayed_in) for one in shown]
    found = table(
        "All symbols",
        _COLUMNS,
        [*_without_news(known, selection), *moving],
        empty="No symbol has this in its name." if known else "No trades yet.",
        sub=f"over {selection.window}{view.cut}",
        sort=selection.sort,
    )
    foot = [f"{len(rows) - len(shown):,} more: search for them, or sort by another column."] if rows[MAX_ROWS:] else []
    return found | {
        "name": "symbols",
        "pick": True,
        "pins": list(selection.pins),
        "find": selection.find,
        "finds": "Search symbols",
        "foot": foot,
    }


def _without_news(known: Sequence[SymbolSummary], selection: Selection) -> list[Row]:
    """Pinned symbols that the snapshot leaves out keep their place: nobody shall think that they are forgotten."""
    reported = {one.symbol for one in known}
    wanted = (one for one in sorted(selection.pins) if selection.find.casefold() in one.casefold())
    return [_row_without_news(one, selection) for one in wanted if one not in reported]


def _row_without_news(symbol: str, selection: Selection) -> Row:
    rest = [""] * (len(_COLUMNS) - 2)
    cells: list[Cell | str] = [Cell(symbol, "strong", title=symbol), *rest, Cell("no news", "muted")]
    return Row(symbol, cells, is_marked=symbol == selection.symbol)


def in_order(symbols: list[SymbolSummary], selection: Selection) -> list[SymbolSummary]:
    """Pinned ones first; equal ones by name, so that no two rows change places without a reason."""
    by_name = sorted(symbols, key=lambda one: one.symbol)
    key = _keys(selection).get(selection.sort.removeprefix("-"))
    if key is not None:
        by_name.sort(key=key, reverse=selection.sort.startswith("-"))
    elif selection.sort == "-symbol":
        by_name.reverse()
    return sorted(by_name, key=lambda one: one.symbol not in selection.pins)


def _keys(selection: Selection) -> dict[str, Callable[[SymbolSummary], float]]:
    window = selection.window
    return {
        "last": lambda one: one.last_price,
        "change": lambda one: formats.change(one.windows[window]) or 0.0,
        "bought": lambda one: one.windows[window].buy_volume,
        "sold": lambda one: one.windows[window].sell_volume,
        "imbalance": lambda one: one.windows[window].imbalance_ratio or 0.0,
        "rate": lambda one: one.windows[window].trades,
        "trades": lambda one: one.trades,
        "age": lambda one: -one.last_trade_ns,
    }


def _row(one: SymbolSummary, selection: Selection, view: PageView, now: Instant, zone: tzinfo | None) -> Row:
    stats, last = one.windows[selection.window], one.last_price
    change, imbalance = formats.change(stats), stats.imbalance_ratio
    age = formats.ago(view.age_ns(one.last_trade_ns, now))
    if zone is not None:
        age = formats.moment(one.last_trade_ns, now.wall_ns, zone)
    cells = (
        Cell(one.symbol, "strong", title=one.symbol),
        formats.price(last),
        signed(change, formats.percent(change)),
        formats.price(stats.vwap, last),
        formats.price(stats.low, last),
        formats.price(stats.high, last),
        formats.volume(stats.buy_volume),
        formats.volume(stats.sell_volume),
        signed(imbalance, formats.percent(imbalance, 1)),
        f"{per_second(stats.trades, covered(view.snapshot, selection.window)):,.1f}",
        formats.count(one.trades),
        Cell(age, "muted"),
    )
    return Row(one.symbol, cells, is_marked=one.symbol == selection.symbol)
