"""The price panels of *Trading*: candles, the leaders' table, the price against its averages, its volatility."""

from grafana_foundation_sdk.builders import candlestick, common, table, timeseries
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models.candlestick import CandleStyle, ColorStrategy, VizDisplayMode
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from dashboards import palette
from dashboards.parts import (
    AVERAGE_DECIMALS,
    BASIS_POINTS,
    PER_SECOND,
    PRICE,
    PRICE_DECIMALS,
    PROMETHEUS,
    Panel,
    colored,
    legend,
    lines,
    merged,
    over_time,
    properties,
    rows,
    sheet,
)
from dashboards.promql import MARKET, OF_SYMBOL, trade_rate, turnover

AVERAGES = ("1m", "5m", "1h")


def price_panels() -> list[Panel]:
    """Candles and leaders side by side, then three charts."""
    return [_candles(), _leaders(), _averages(), _distances(), _volatility(), _compared()]


def _candles() -> candlestick.Panel:
    text = (
        "Open, high, low and close of each candle: a candle is the window of its length, of whole seconds, read at "
        "its end; it begins and ends about 1 s before its time here, and no trade is in none or in two. Bars: volume. "
        "Over 500 candles in the time range some are left out: take a longer candle. 1h candles show only in a range "
        "of several hours."
    )
    selector = f'{{{OF_SYMBOL},window="$candle"}}'
    prices = [
        over_time(part.title(), f"trading_window_{part}{selector}", part.title())
        for part in ("open", "high", "low", "close")
    ]
    volume = over_time("Volume", f"sum(trading_window_volume{selector})", "Volume")
    colors = candlestick.CandlestickColors().up(palette.BUY).down(palette.SELL).flat(palette.QUIET)
    fields = candlestick.CandlestickFieldMap().open("Open").high("High").low("Low").close("Close").volume("Volume")
    return (
        candlestick.Panel()
        .title("Candles, $candle")
        .description(text)
        .datasource(PROMETHEUS)
        .unit(PRICE)
        .decimals(PRICE_DECIMALS)
        .targets([*prices, volume])
        .interval("$candle")
        .max_data_points(500)
        .mode(VizDisplayMode.CANDLES_VOLUME)
        .candle_style(CandleStyle.CANDLES)
        .color_strategy(ColorStrategy.OPEN_CLOSE)
        .colors(colors)
        .fields(fields)
        .include_all_fields(include_all_fields=False)
        .legend(legend())
        .tooltip(common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.MULTI).sort(kinds.SortOrder.NONE))
        .override_by_name("Volume", properties(unit="short", custom__fillOpacity=25))
        .span(14)
        .height(11)
    )


def _leaders() -> table.Panel:
    text = (
        "The ten symbols with the highest turnover of the last five minutes. Change: last against first trade of these "
        "minutes. Imbalance: 100 % is all bought. A click on a symbol shows it on this dashboard."
    )
    traded = f'and on (symbol) trading_window_trades{{{MARKET},window="5m"}} > 0'
    within = f'{{{MARKET},window="5m"}}'
    queries = [
        rows("last", f"max by (symbol) (trading_last_price{{{MARKET}}} {traded})"),
        rows("change", f"max by (symbol) (trading_window_close{within} / trading_window_open{within} - 1 {traded})"),
        rows("turnover", f"{turnover(MARKET, '5m')} > 0"),
        rows("rate", f"{trade_rate(MARKET, '5m')} > 0"),
        rows("imbalance", f"max by (symbol) (trading_window_imbalance_ratio{within} {traded})"),
    ]
    names = {
        "symbol": "Symbol",
        "Value #last": "Last",
        "Value #change": "Change",
        "Value #turnover": "Turnover",
        "Value #rate": "Trades",
        "Value #imbalance": "Imbalance",
    }
    panel = sheet("Top symbols, 5 m", text, *queries).span(10).height(11)
    return _leader_columns(panel).transformations(merged(names, by="Turnover", largest_first=True, most=10))


def _leader_columns(panel: table.Panel) -> table.Panel:
    signed = {"mode": "absolute", "steps": [{"color": palette.SELL, "value": None}, {"color": palette.BUY, "value": 0}]}
    link = {
        "title": "Show ${__value.text}",
        "url": "/d/trading?var-symbol=${__value.raw}&${candle:queryparam}&${source:queryparam}&${__url_time_range}",
    }
    text_color = {"type": kinds.TableCellDisplayMode.COLOR_TEXT.value}
    return (
        panel.override_by_name("Symbol", properties(links=[link], custom__width=96))
        .override_by_name("Last", properties(unit=PRICE, decimals=PRICE_DECIMALS))
        .override_by_name(
            "Change", properties(unit="percentunit", decimals=2, thresholds=signed, custom__cellOptions=text_color)
        )
        .override_by_name("Turnover", properties(unit="short", decimals=1))
        .override_by_name("Trades", properties(unit=PER_SECOND, decimals=1))
        .override_by_name(
            "Imbalance", properties(unit="percentunit", decimals=0, thresholds=signed, custom__cellOptions=text_color)
        )
    )


def _averages() -> timeseries.Panel:
    text = "Last price, and the volume-weighted average price Σpq ÷ Σq over the last minute, 5 minutes and hour."
    price = over_time("A", f"trading_last_price{{{OF_SYMBOL}}}", "last price")
    vwap = over_time("B", _of_windows("trading_window_vwap"), "VWAP {{window}}")
    panel = lines("Price and VWAP", text, PRICE, price, vwap).decimals(AVERAGE_DECIMALS).fill_opacity(0)
    colors = {f"VWAP {window}": palette.SERIES[window] for window in AVERAGES}
    return colored(panel, **{"last price": palette.PRICE}, **colors).legend(legend())


def _distances() -> timeseries.Panel:
    text = (
        "Last price against each VWAP, in basis points (1/100 %): above zero is dearer than the average trade "
        "of that window."
    )
    price = f"trading_last_price{{{OF_SYMBOL}}}"
    expr = f"1e4 * ({price} / on (symbol) group_right () {_of_windows('trading_window_vwap')} - 1)"
    panel = lines("Distance from VWAP", text, BASIS_POINTS, over_time("A", expr, "{{window}}"))
    return _by_window(panel).axis_centered_zero(axis_centered_zero=True).decimals(1).legend(legend("lastNotNull"))


def _volatility() -> timeseries.Panel:
    text = (
        "√Σ ln(close ÷ close before)² over the seconds of the window that had trades: how far the price "
        "moved, not annualised."
    )
    query = over_time("A", _of_windows("trading_window_realised_volatility_ratio"), "{{window}}")
    return _by_window(lines("Realised volatility", text, "percentunit", query)).decimals(2).axis_soft_min(0)


def _compared() -> timeseries.Panel:
    text = "Last price of each symbol of `Compare` against its own at the start of the time range."
    price = f'trading_last_price{{symbol=~"$symbols",{MARKET}}}'
    query = over_time("A", f"{price} / {price} @ start() - 1", "{{symbol}}")
    panel = lines("Symbols compared", text, "percentunit", query).decimals(2).fill_opacity(0)
    return panel.axis_centered_zero(axis_centered_zero=True).legend(legend("lastNotNull")).span(24)


def _of_windows(metric: str) -> str:
    return f'{metric}{{{OF_SYMBOL},window=~"{"|".join(AVERAGES)}"}}'


def _by_window(panel: timeseries.Panel) -> timeseries.Panel:
    for window, color in palette.SERIES.items():
        value = {"mode": "fixed", "fixedColor": color}
        panel.override_by_name(window, [DynamicConfigValue(id_val="color", value=value)])
    return panel
