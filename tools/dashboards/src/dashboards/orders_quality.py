"""*Orders*: slippage, markouts, fill ratios, order-to-trade ratios."""

from grafana_foundation_sdk.builders import heatmap, table, timeseries

from dashboards import palette
from dashboards.parts import (
    BASIS_POINTS,
    COUNT,
    Panel,
    cells,
    legend,
    lines,
    merged,
    over_time,
    properties,
    rows,
    sheet,
)
from dashboards.promql import OF_BOT, RANGE, basis_points, sum_of_orders

BPS_WINDOW = "5m"


def quality_panels() -> list[Panel]:
    """A row a strategy, then courses over time."""
    return [_strategies(), _slippage(), _markouts(), _slippages(), _fill_ratio(), _ended(), _to_trade(), _missed()]


def _slippage_against(reference: str, by: str, time: str = RANGE) -> str:
    return basis_points("slippage", ("paid", "gained"), f'reference="{reference}",{OF_BOT}', by, time)


def _strategies() -> table.Panel:
    text = (
        "Each account and strategy in one row, over the chosen time range. Slippage: fills against the mid at "
        "arrival, and at the decision; above 0 is paid. Markout: the mid's move in our favour 5 s after fills. "
        "Filled: wholly, of the orders that ended. Rejected: of the orders sent or denied. Sums of money are "
        "by currency."
    )
    by, money = "account, strategy", "account, strategy, currency"
    sent = sum_of_orders("strategy:trading_orders_sent", OF_BOT, by)
    rejected = sum_of_orders("strategy:trading_order_rejects", f'kind=~"order|local",{OF_BOT}', by)
    filled = sum_of_orders("strategy:trading_orders_ended", f'how="filled",{OF_BOT}', by)
    ended = sum_of_orders("strategy:trading_orders_ended", OF_BOT, by)
    queries = [
        rows("orders", f"round({sent})"),
        rows("fills", f"round({sum_of_orders('strategy:trading_own_fills', OF_BOT, by)})"),
        rows("rejected", f"{rejected} / ({sent} > 0)"),
        rows("filled", f"{filled} / ({ended} > 0)"),
        rows("notional", sum_of_orders("book:trading_own_notional", OF_BOT, money)),
        rows("arrival", _slippage_against("arrival", money)),
        rows("decision", _slippage_against("decision", money)),
        rows("markout", basis_points("markout", ("gained", "lost"), f'horizon="5s",{OF_BOT}', money)),
    ]
    names = {
        "account": "Account",
        "strategy": "Strategy",
        "currency": "Currency",
        "Value #orders": "Orders",
        "Value #fills": "Fills",
        "Value #rejected": "Rejected",
        "Value #filled": "Filled",
        "Value #notional": "Traded",
        "Value #arrival": "Slippage, arrival",
        "Value #decision": "Slippage, decision",
        "Value #markout": "Markout, 5 s",
    }
    panel = sheet("Strategies", text, *queries).transformations(merged(names, by="Account", largest_first=False))
    panel = panel.unit(COUNT).override_by_name("Traded", properties(unit="short", decimals=1))
    for title in ("Rejected", "Filled"):
        panel = panel.override_by_name(title, properties(unit="percentunit", decimals=1))
    for title in ("Slippage, arrival", "Slippage, decision", "Markout, 5 s"):
        panel = panel.override_by_name(title, properties(unit=BASIS_POINTS, decimals=2))
    return panel.span(24)


def _slippage() -> timeseries.Panel:
    text = "Fills against the mid at arrival, by strategy, over 5 minutes, weighted by value; above 0 is paid."
    expr = _slippage_against("arrival", "strategy, currency", BPS_WINDOW)
    return _centred("Slippage against arrival", text, BASIS_POINTS, expr, "{{strategy}} {{currency}}")


def _markouts() -> timeseries.Panel:
    text = (
        "How far the mid moved in our favour after fills, by horizon, over 5 minutes, weighted by value; below 0 "
        "is lost."
    )
    expr = basis_points("markout", ("gained", "lost"), OF_BOT, "horizon, currency", BPS_WINDOW)
    return _centred("Markouts by horizon", text, BASIS_POINTS, expr, "{{horizon}} {{currency}}")


def _centred(title: str, text: str, unit: str, expr: str, name: str) -> timeseries.Panel:
    panel = lines(title, text, unit, over_time("A", expr, name)).fill_opacity(0).decimals(2).span(6)
    return panel.axis_centered_zero(axis_centered_zero=True).legend(legend("lastNotNull")).height(9)


def _slippages() -> heatmap.Panel:
    text = "Slippage of each fill against arrival, in basis points: fills per second and bucket, over a minute each."
    expr = f"sum by (le) (rate(trading_slippage_bps_bucket{{{OF_BOT}}}[1m]))"
    return cells("Distribution of slippage", text, BASIS_POINTS, over_time("A", expr, "{{le}}"))


def _fill_ratio() -> timeseries.Panel:
    text = "Filled of the ordered quantity, of the orders that ended in the last 5 minutes, by symbol."
    filled, ordered = (
        f"sum by (symbol) (increase(trading_{what}_qty_total{{{OF_BOT}}}[5m]))" for what in ("filled", "ordered")
    )
    panel = lines("Fill ratio", text, "percentunit", over_time("A", f"{filled} / ({ordered} > 0)", "{{symbol}}"))
    return panel.decimals(0).min(0).axis_soft_max(1).span(6)


def _ended() -> timeseries.Panel:
    text = "Orders per minute that ended, by how: filled, partly, unfilled, rejected."
    expr = sum_of_orders("strategy:trading_orders_ended", OF_BOT, "how", "1m")
    colors = {"filled": palette.GOOD, "partly": palette.ACCENT, "unfilled": palette.QUIET, "rejected": palette.BAD}
    panel = lines("Orders ended", text, "none", over_time("A", expr, "{{how}}")).axis_soft_min(0).span(6)
    for name, color in colors.items():
        panel = panel.override_by_name(name, properties(color={"mode": "fixed", "fixedColor": color}))
    return panel


def _to_trade() -> timeseries.Panel:
    text = (
        "Messages to the venue by executions, less one, over the last hour, by the weights of RTS 9, by symbol; "
        "and the same of volume. Extrapolated by Prometheus: what is reported to a venue comes from the page."
    )
    number = _ratio("trading_otr_messages_total", "trading_own_fills_total")
    volume = _ratio("trading_otr_volume_total", "trading_own_volume_total")
    queries = [over_time("A", number, "{{symbol}}, by number"), over_time("B", volume, "{{symbol}}, by volume")]
    return lines("Order-to-trade ratio, 1 h", text, "none", *queries).decimals(1).axis_soft_min(0).span(6)


def _ratio(messages: str, executed: str) -> str:
    over, under = (f'sum by (symbol) (increase({name}{{account=~"$account"}}[1h]))' for name in (messages, executed))
    return f"{over} / ({under} > 0) - 1"


def _missed() -> timeseries.Panel:
    text = (
        "Markouts per minute that could not be taken, by horizon and reason: no mid, a gap in the quotes, "
        "analytics stopped."
    )
    expr = "60 * sum by (horizon, reason) (rate(trading_markout_missed_total[1m]))"
    panel = lines("Markouts missed", text, "none", over_time("A", expr, "{{horizon}} {{reason}}"))
    return panel.axis_soft_min(0).axis_soft_max(1).span(6)
