"""Market: one symbol's numbers, chart and tape, and all symbols."""

from datetime import tzinfo
from typing import Final

from telemetry_schema import SymbolSummary, WindowStats
from ui.health import is_replay
from ui.instant import Instant
from ui.page.model import formats
from ui.page.model.hub import DataLink
from ui.page.model.parts import Part
from ui.page.model.selection import Selection
from ui.page.model.spans import covered, per_second, so_far
from ui.page.model.view import PageView, TapeLine
from ui.page.widgets import account, banner, charts, live_page, tables, watchlist, welcome
from ui.page.widgets.tables import Cell, Row, name, number, text

TAPE_ROWS: Final = 25
_TAPE: Final = (text("Time"), text("Side"), number("Price"), number("Qty"), name("Source"))


def show(link: DataLink) -> None:
    """Draws the page."""
    live_page.show_symbol(link, "market", parts)


def parts(view: PageView, selection: Selection, now: Instant, zone: tzinfo) -> dict[str, Part]:
    """All panels of the page."""
    if view.snapshot is None or not view.snapshot.symbols:
        return {"welcome": welcome.part(view)}
    replayed = is_replay(view.snapshot)
    summary = view.summary(selection.symbol)
    cards = _numbers(view, summary, selection, now, replayed=replayed) if summary else _quiet(view, selection)
    return {
        "cards": cards,
        "chart": charts.candles(view, selection, zone),
        "tape": _tape(view, selection, now, zone),
        "symbols": watchlist.part(view, selection, now, replayed_in=zone if replayed else None),
    }


def _quiet(view: PageView, selection: Selection) -> Part:
    symbol, desk = selection.symbol, view.status.desk if view.status else None
    if desk is not None and symbol in desk.symbols:
        text = f"{symbol} trades, but analytics counts it among the others: see ANALYTICS_MAX_SYMBOLS."
    elif view.cut:
        text = f"{symbol} is quiet: it is not among those that analytics reports{view.cut}. It comes with more trades."
    else:
        text = (
            f"{symbol} is quiet: analytics knows no trade of it. If its name is right, it shows here with the next one."
        )
    return {"kind": "note", "text": text, "code": ""}


def _numbers(view: PageView, summary: SymbolSummary, selection: Selection, now: Instant, *, replayed: bool) -> Part:
    window = selection.window
    stats, last = summary.windows[window], summary.last_price
    young = so_far(view.snapshot, window)
    rate = per_second(stats.trades, covered(view.snapshot, window))
    age = "replayed" if replayed else f"last one {formats.ago(view.age_ns(summary.last_trade_ns, now))}"
    return {
        "kind": "cards",
        "cards": [
            ["Last price", formats.price(last), *_moved(formats.change(stats), f"in {window}")],
            [
                f"VWAP {window}",
                formats.price(stats.vwap, last),
                f"last is {formats.percent(formats.away(last, stats.vwap))} off",
                "",
            ],
            [f"Low – high {window}", _range(stats), _ends(stats, last), ""],
            [f"Volume {window}", formats.volume(stats.buy_volume + stats.sell_volume), _sides(stats), ""],
            [f"Imbalance {window}", formats.percent(stats.imbalance_ratio, 1), _bought(stats), ""],
            ["Trades/s", f"{rate:,.1f}", f"{young}, {age}" if young else age, "warn" if young else ""],
            *_bid_ask(view, summary, now),
        ],
    }


def _bid_ask(view: PageView, summary: SymbolSummary, now: Instant) -> list[list[str]]:
    """A card where somebody reports quotes."""
    quote, last = summary.quote, summary.last_price
    if quote is None:
        return []
    age_ns = view.age_ns(quote.event_ns, now)
    is_old = age_ns > account.OLD_QUOTE_NS
    note = f"quoted {formats.ago(age_ns)}" if is_old else f"spread {formats.price(quote.ask - quote.bid, last)}"
    prices = f"{formats.price(quote.bid, last)} – {formats.price(quote.ask, last)}"
    return [["Bid – ask", prices, note, "warn" if is_old else ""]]


def _moved(ratio: float | None, what: str) -> tuple[str, str]:
    cell = tables.signed(ratio, formats.percent(ratio))
    return f"{cell.text} {what}", cell.tone


def _range(stats: WindowStats) -> str:
    ratio = formats.away(stats.high, stats.low)
    return formats.NONE if ratio is None else f"{ratio * 100:,.2f} %"


def _ends(stats: WindowStats, last: float) -> str:
    if stats.low is None or stats.high is None:
        return "no trades"
    return f"{formats.price(stats.low, last)} – {formats.price(stats.high, last)}"


def _sides(stats: WindowStats) -> str:
    sides = (formats.UP, stats.buy_volume), (formats.DOWN, stats.sell_volume)
    return " ".join(f"{arrow}\N{NO-BREAK SPACE}{formats.volume(volume)}" for arrow, volume in sides)


def _bought(stats: WindowStats) -> str:
    total = stats.buy_volume + stats.sell_volume
    return f"{stats.buy_volume / total * 100:.0f} % bought" if total else "no trades"


def _tape(view: PageView, selection: Selection, now: Instant, zone: tzinfo) -> Part:
    rows = view.tapes.get(selection.symbol or "", ())[:TAPE_ROWS]
    sub = f"{selection.symbol}, {banner.zone_name(zone)}"
    drawn = [row for one in rows for row in _tape_rows(one, now, zone)]
    return tables.table("Tape", _TAPE, drawn, empty="No trades of this symbol lately.", sub=sub)


def _tape_rows(one: TapeLine, now: Instant, zone: tzinfo) -> list[Row]:
    trade = one.trade
    tone: tables.Tone = "up" if trade.side == "buy" else "down"
    cells = (
        Cell(formats.moment(trade.event_ns, now.wall_ns, zone, milliseconds=True), "muted"),
        Cell(formats.side(trade.side), tone),
        formats.price(trade.price),
        formats.qty(trade.qty),
        Cell(trade.source, "muted", title=trade.source),
    )
    row = Row(f"{trade.symbol} {one.number}", cells)
    if not one.skipped:
        return [row]
    hole = Cell(f"{one.skipped:,} not shown", "muted", title="More trades came than a snapshot holds; all are counted.")
    return [row, Row(f"{trade.symbol} {one.number} hole", (hole, "", "", "", ""))]
