"""The lower panels of *Trading*: who buys and sells, how trades are spread, all symbols and sources side by side."""

from grafana_foundation_sdk.builders import table, timeseries

from dashboards import palette
from dashboards.parts import (
    AVERAGE_DECIMALS,
    PER_SECOND,
    PRICE,
    Panel,
    bars,
    colored,
    legend,
    lines,
    merged,
    over_time,
    properties,
    rows,
    sheet,
)
from dashboards.promql import (
    ACCEPTED,
    FROM_SOURCE,
    MARKET,
    OF_SYMBOL,
    by_window,
    per_second,
    turnover,
)

WINDOWS_S = {"10s": 10, "1m": 60, "5m": 300, "1h": 3_600}


def flow_panels() -> list[Panel]:
    """Volume and count by side, and what is left when one is taken from the other."""
    return [
        _by_side("Volume by side", "Units of base traded per second", "trading_volume_total", "short"),
        _by_side("Trades by side", "Trades per second", "trading_trades_total", PER_SECOND),
        _imbalance(),
    ]


def _by_side(title: str, what: str, metric: str, unit: str) -> timeseries.Panel:
    text = f"{what}, by the taker's side: what was bought stands on the line, what was sold hangs from it."
    rate = f'rate({metric}{{{OF_SYMBOL},side="%s"}}[$__rate_interval])'
    buy = over_time("A", f"sum({rate % 'buy'})", "buy")
    sell = over_time("B", f"-sum({rate % 'sell'})", "sell")
    return colored(bars(title, text, unit, buy, sell), buy=palette.BUY, sell=palette.SELL).legend(legend("lastNotNull"))


def _imbalance() -> timeseries.Panel:
    text = "(buy − sell) ÷ (buy + sell) volume of each window: 100 % is all bought, −100 % all sold."
    query = over_time("A", f"trading_window_imbalance_ratio{{{OF_SYMBOL}}}", "{{window}}")
    panel = lines("Imbalance", text, "percentunit", query).min(-1).max(1).decimals(0).fill_opacity(0)
    return colored(panel, **palette.SERIES).legend(legend("lastNotNull"))


def statistics_panels() -> list[Panel]:
    """How trades are spread in size and in time."""
    return [_windows(), _sizes(), _arrivals()]


def _windows() -> table.Panel:
    text = (
        "Each window in one row: trades, volume and VWAP, and mean, standard deviation (of the population) and "
        "largest size "
        "of a trade, in units of base. Covered: the seconds of it that there is data for."
    )
    columns = {
        "trades": "Trades",
        "volume": "Volume",
        "vwap": "VWAP",
        "qty_mean": "Mean",
        "qty_std": "Std",
        "qty_max": "Max",
    }
    lengths = by_window([(window, f"vector({length_s})") for window, length_s in WINDOWS_S.items()])
    covered = f"max by (window) (trading_window_covered_seconds{{{OF_SYMBOL}}})"
    queries = [rows(name, f"sum by (window) (trading_window_{name}{{{OF_SYMBOL}}})") for name in columns]
    names = {
        "window": "Window",
        "Value #length": "Length",
        "Value #covered": "Covered",
        **{f"Value #{name}": title for name, title in columns.items()},
    }
    return (
        sheet("Windows", text, rows("length", lengths), rows("covered", covered), *queries)
        .transformations(merged(names, by="Length", largest_first=False))
        .unit("short")
        .override_by_name("Window", properties(custom__width=70))
        .override_by_name("Length", properties(unit="s", custom__width=70))
        .override_by_name("Covered", properties(unit="s", decimals=0, custom__width=80))
        .override_by_name("VWAP", properties(unit=PRICE, decimals=AVERAGE_DECIMALS))
        .span(12)
        .height(7)
    )


def _sizes() -> timeseries.Panel:
    text = (
        "Sizes of the recent trades, in units of base: half of them are at most the lowest line, 99 of 100 at "
        "most the highest."
    )
    query = over_time("A", f"trading_qty_quantile{{{OF_SYMBOL}}}", "{{quantile}}")
    return lines("Trade size quantiles", text, "short", query).span(6).height(7).legend(legend("lastNotNull"))


def _arrivals() -> timeseries.Panel:
    text = (
        "Mean time between recent trades (left), and the burstiness of their arrivals (right): −1 is a "
        "clock, 0 is random, "
        "towards 1 they come in bursts."
    )
    gaps = over_time("A", f"trading_interarrival_seconds_mean{{{OF_SYMBOL}}}", "time between")
    burstiness = over_time("B", f"trading_burstiness_ratio{{{OF_SYMBOL}}}", "burstiness")
    panel = lines("Arrivals", text, "s", gaps, burstiness).span(6).height(7).legend(legend("lastNotNull"))
    right = properties(unit="none", min=-1, max=1, decimals=2, custom__axisPlacement="right", custom__fillOpacity=0)
    return colored(panel, **{"time between": palette.ACCENT}).override_by_name("burstiness", right)


def market_panels() -> list[Panel]:
    """All symbols, all chosen sources."""
    return [_turnover_by_symbol(), _trades_by_source()]


def _turnover_by_symbol() -> timeseries.Panel:
    text = (
        "Price × quantity per second of the ten symbols with the highest turnover, in their quote currencies, stacked; "
        "over 10 s each."
    )
    expr = f"topk(10, {turnover(MARKET, '10s')} / 10 > 0)"
    return (
        bars("Turnover by symbol", text, "short", over_time("A", expr, "{{symbol}}"))
        .span(12)
        .legend(legend("lastNotNull"))
    )


def _trades_by_source() -> timeseries.Panel:
    text = "Trades accepted per second from each of the chosen sources."
    expr = per_second(ACCEPTED, FROM_SOURCE, by="source")
    return lines("Trades by source", text, PER_SECOND, over_time("A", expr, "{{source}}")).span(12)
