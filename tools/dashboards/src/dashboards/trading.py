"""The dashboard *Trading*: what one symbol does now, and which symbols move."""

from grafana_foundation_sdk.builders import stat
from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards import palette
from dashboards.frame import choice, dashboard, symbols
from dashboards.parts import BASIS_POINTS, PER_SECOND, PRICE, PRICE_DECIMALS, Panel, now, number
from dashboards.promql import OF_SYMBOL, trade_rate, turnover
from dashboards.trading_flow import flow_panels, market_panels, statistics_panels
from dashboards.trading_price import price_panels

UID = "trading"


def trading() -> Dashboard:
    """The dashboard, with its variables."""
    sections = [
        ("Now · $symbol", now_panels()),
        ("Price · $symbol", price_panels()),
        ("Flow · $symbol", flow_panels()),
        ("Statistics · $symbol", statistics_panels()),
        ("All symbols and sources", market_panels()),
    ]
    text = (
        "What one symbol does now, and which symbols move. Windows are by event time and end with the last whole "
        "second. Own trades are left out."
    )
    candle = choice(
        "candle", "Candle", "Length of a candle; it is the window of the same name.", ("10s", "1m", "5m", "1h")
    )
    return dashboard(UID, "Trading", text, "now-15m", sections).with_variable(candle).with_variable(symbols())


def now_panels() -> list[Panel]:
    """One line of numbers on top."""
    return [
        _last_price().span(5),
        _distance(),
        _trade_rate(),
        _turnover(),
        _imbalance(),
        _age().span(3),
    ]


def _last_price() -> stat.Panel:
    text = "Price of the newest trade, in quote currency per unit of base."
    query = now("A", f"trading_last_price{{{OF_SYMBOL}}}", "last price")
    panel = number("Last price", text, PRICE, query, palette.limits(palette.PRICE))
    return panel.decimals(PRICE_DECIMALS)


def _distance() -> stat.Panel:
    text = "Last price against the volume-weighted average price of the last minute, in basis points (1/100 %)."
    vwap = f'trading_window_vwap{{{OF_SYMBOL},window="1m"}}'
    expr = f"1e4 * (trading_last_price{{{OF_SYMBOL}}} / on (symbol) {vwap} - 1)"
    limits = palette.limits(palette.SELL, (-0.05, palette.PRICE), (0.05, palette.BUY))
    return number("From VWAP, 1 m", text, BASIS_POINTS, now("A", expr, "distance"), limits).decimals(2)


def _trade_rate() -> stat.Panel:
    text = "Trades per second, both sides, over the last 10 s."
    query = now("A", trade_rate(OF_SYMBOL, "10s"), "trades")
    return number("Trades", text, PER_SECOND, query, palette.limits(palette.ACCENT)).decimals(1)


def _turnover() -> stat.Panel:
    text = "Price × quantity over the last minute, both sides, in quote currency."
    query = now("A", turnover(OF_SYMBOL, "1m"), "turnover")
    return number("Turnover, 1 m", text, "short", query, palette.limits(palette.ACCENT))


def _imbalance() -> stat.Panel:
    text = (
        "(buy − sell) ÷ (buy + sell) volume of the last minute, by the taker's side: 100 % is all bought, "
        "−100 % all sold."
    )
    query = now("A", f'trading_window_imbalance_ratio{{{OF_SYMBOL},window="1m"}}', "imbalance")
    limits = palette.limits(palette.SELL, (-0.1, palette.PRICE), (0.1, palette.BUY))
    return number("Imbalance, 1 m", text, "percentunit", query, limits).decimals(0)


def _age() -> stat.Panel:
    text = (
        "Time since the newest trade's own time. Orange after 10 s, red after a minute: the market is quiet "
        "or its feed is dead."
    )
    expr = f"clamp_min(time() - trading_last_trade_timestamp_seconds{{{OF_SYMBOL}}}, 0)"
    limits = palette.limits(palette.GOOD, (10, palette.WARN), (60, palette.BAD))
    return number("Last trade", text, "s", now("A", expr, "age"), limits).decimals(1)
