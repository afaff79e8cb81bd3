"""Market: each symbol now, the price with its volume, the tape."""

import streamlit as st
import streamlit_shadcn_ui as ui
from streamlit.delta_generator import DeltaGenerator

from telemetry_schema import SymbolSummary, TapeTrade, WindowName, WindowStats
from ui.page.model import formats
from ui.page.model.hub import DataLink
from ui.page.model.view import PageView
from ui.page.widgets import charts, session, style, tables
from ui.page.widgets.tables import Cell, Row, number, text

EVERY_S = 0.5
TAPE_ROWS = 17
WINDOWS: dict[WindowName, int] = {"10s": 10, "1m": 60, "5m": 300, "1h": 3_600}
SHORTEST_CHART_S = 60
_NS = 1_000_000_000
_TAPE = (text("Time"), text("Side"), number("Price"), number("Qty"), text("Source"))
_WATCH = (
    text("Symbol"),
    number("Last"),
    number("Change"),
    number("VWAP"),
    number("Low"),
    number("High"),
    number("Bought"),
    number("Sold"),
    number("Imbalance"),
    number("Trades/s"),
    number("Trades in all"),
    number("Last trade"),
)


def show(link: DataLink) -> None:
    """Draws the page."""
    symbols = tuple(link.view.symbols)
    symbol, window = _controls(symbols)
    _live(link, symbol, window)
    session.redraw_when_changed(link, lambda view: tuple(view.symbols), symbols)


def _controls(symbols: tuple[str, ...]) -> tuple[str | None, WindowName]:
    """What the person looks at: kept while other pages are looked at."""
    state = st.session_state
    if not symbols:
        return None, state.get("window", "1m")
    left, middle, _ = st.columns([1.2, 1.6, 4], vertical_alignment="bottom")
    with left:
        before = state.get("symbol")
        index = symbols.index(before) if before in symbols else 0
        state["symbol"] = ui.select("Symbol", symbols, index=index, key="market-symbol") or symbols[index]
    with middle:
        state["window"] = ui.tabs(list(WINDOWS), value=state.get("window", "1m"), key="market-window", label="Window")
    return state["symbol"], state["window"]


@st.fragment(run_every=EVERY_S)
def _live(link: DataLink, symbol: str | None, window: WindowName) -> None:
    view = link.view
    summary = view.summary(symbol)
    if summary is None or view.snapshot is None:
        with st.container(border=True):
            st.html(
                tables.table("Market", (text("Market"),), [], empty="No trades yet. Prices show here with the first.")
            )
        return
    age_ns = link.now_ns() - summary.last_trade_ns if not _is_replay(view) else None
    _numbers(summary, summary.windows[window], window, age_ns)
    chart, tape = st.columns([2.15, 1])
    with chart, st.container(border=True, key="chart"):
        _chart(view, summary, window)
    with tape, st.container(border=True, key="tape"):
        trades = view.tapes.get(summary.symbol, ())[:TAPE_ROWS]
        style.title("Tape", f"{symbol}, UTC")
        st.html(tables.table("Tape", _TAPE, map(_tape_row, trades), empty="No trades of this symbol lately."))
    with st.container(border=True, key="watchlist"):
        style.title("All symbols", f"over {window}{view.cut}")
        rows = [_watch_row(one, window, view) for one in sorted(view.snapshot.symbols, key=lambda one: one.symbol)]
        watchlist = tables.table("All symbols", _WATCH, rows, empty="No trades yet.")
        st.html(watchlist + style.stamp(view.snapshot.at_ns))


def _is_replay(view: PageView) -> bool:
    return any(one.code == "replay" for one in view.state.problems) if view.state else False


def _numbers(summary: SymbolSummary, stats: WindowStats, window: WindowName, age_ns: int | None) -> None:
    last, price = summary.last_price, formats.price
    total = stats.buy_volume + stats.sell_volume
    buy_share = stats.buy_volume / total if total else None
    cells = st.columns(6)
    change = _delta(formats.change(stats), f"in {window}")
    cells[0].metric("Last price", price(last), change, border=True)
    to_vwap = _delta(last / stats.vwap - 1 if stats.vwap else None, "last to VWAP")
    cells[1].metric(f"VWAP {window}", price(stats.vwap, last), to_vwap, border=True, delta_color="off")
    _quiet(cells[2], f"Low – high {window}", _range(stats), f"{price(stats.low, last)} – {price(stats.high, last)}")
    sides = f"{formats.UP} {formats.volume(stats.buy_volume)}  {formats.DOWN} {formats.volume(stats.sell_volume)}"
    _quiet(cells[3], f"Volume {window}", formats.volume(total), sides)
    bought = f"{buy_share * 100:.0f} % bought" if buy_share is not None else "no trades"
    _quiet(cells[4], f"Imbalance {window}", formats.percent(stats.imbalance_ratio, 1), bought)
    age = f"last one {formats.span(age_ns)} ago" if age_ns is not None else "replayed"
    _quiet(cells[5], "Trades/s", f"{stats.trades / WINDOWS[window]:,.1f}", age)


def _quiet(cell: DeltaGenerator, label: str, value: str, note: str) -> None:
    """A number with a note that is no change: without arrow and colour."""
    cell.metric(label, value, note, border=True, delta_color="off", delta_arrow="off")


def _delta(ratio: float | None, what: str) -> str | None:
    # st.metric takes its arrow from an ASCII minus.
    return None if ratio is None else f"{ratio * 100:+.2f} % {what}"


def _range(stats: WindowStats) -> str:
    if not stats.low or not stats.high:
        return formats.NONE
    return f"{(stats.high / stats.low - 1) * 100:.2f} %"


def _chart(view: PageView, summary: SymbolSummary, window: WindowName) -> None:
    span_s = max(SHORTEST_CHART_S, WINDOWS[window])
    step = charts.seconds_a_bar(span_s)
    style.title(f"{summary.symbol} price and volume by side", f"last {formats.span(span_s * _NS)}, {step} s a bar, UTC")
    option = charts.price_and_volume(
        view.bars.last(summary.symbol, span_s), span_s, formats.decimals(summary.last_price)
    )
    st.echarts_chart(option, height=415, key="price-chart", alt=f"{summary.symbol}: price, volume bought and sold")


def _tape_row(trade: TapeTrade) -> Row:
    tone: tables.Tone = "up" if trade.side == "buy" else "down"
    return (
        Cell(formats.clock(trade.event_ns, milliseconds=True), "muted"),
        Cell(formats.side(trade.side), tone),
        formats.price(trade.price),
        formats.qty(trade.qty),
        Cell(trade.source, "muted"),
    )


def _watch_row(summary: SymbolSummary, window: WindowName, view: PageView) -> Row:
    stats, last = summary.windows[window], summary.last_price
    change, imbalance = formats.change(stats), stats.imbalance_ratio
    age_ns = view.snapshot.at_ns - summary.last_trade_ns if view.snapshot else None
    return (
        Cell(summary.symbol, "strong"),
        formats.price(last),
        tables.signed(change, formats.percent(change)),
        formats.price(stats.vwap, last),
        formats.price(stats.low, last),
        formats.price(stats.high, last),
        formats.volume(stats.buy_volume),
        formats.volume(stats.sell_volume),
        tables.signed(imbalance, formats.percent(imbalance, 1)),
        f"{stats.trades / WINDOWS[window]:,.1f}",
        formats.count(summary.trades),
        Cell(f"{formats.span(age_ns)} ago" if not _is_replay(view) else formats.clock(summary.last_trade_ns), "muted"),
    )
