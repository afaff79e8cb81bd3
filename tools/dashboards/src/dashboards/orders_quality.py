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
from dashboards.promql import OF_BOT, RANGE, basis_points, sum_grown

BPS_WINDOW = "5m"


def quality_panels() -> list[Panel]:
    """A row a strategy, then courses over time."""
    return [_strategies(), _slippage(), _markouts(), _slippages(), _fill_ratio(), _ended(), _to_trade(), _missed()]


def _slippage_of(reference: str) -> tuple[str, str, str]:
    inside = f'{{reference="{reference}",{OF_BOT}}}'
    paid, gained, notional = (f"trading_slippage_{part}_total{inside}" for part in ("paid", "gained", "notional"))
    return paid, gained, notional


def _markout_of(horizon: str) -> tuple[str, str, str]:
    inside = f'{{horizon="{horizon}",{OF_BOT}}}'
    gained, lost, notional = (f"trading_markout_{part}_total{inside}" for part in ("gained", "lost", "notional"))
    return gained, lost, notional


def _over_range(parts: tuple[str, str, str], by: str) -> str:
    plus, minus, base = (sum_grown(part, RANGE, by) for part in parts)
    return f"1e4 * ({plus} - {minus}) / ({base} > 0)"


def _strategies() -> table.Panel:
    text = (
        "Each account and strategy in one row, over the chosen time range. Slippage: fills against the mid at "
        "arrival, and at the decision; above 0 is paid. Markout: the mid's move in our favour 5 s after fills. "
        "Filled: of the quantity of orders that ended. Rejected: of the orders sent or denied. Sums of money are "
        "by currency."
    )
    by, money = "account, strategy", "account, strategy, currency"
    events = f'trading_order_events_total{{event=~"submit|deny",{OF_BOT}}}'
    rejects = f'trading_order_rejects_total{{kind=~"order|local",{OF_BOT}}}'
    filled, ordered = (f"trading_{what}_qty_total{{{OF_BOT}}}" for what in ("filled", "ordered"))
    queries = [
        rows("orders", f"round({sum_grown(events, RANGE, by)})"),
        rows("fills", f"round({sum_grown(f'trading_own_fills_total{{{OF_BOT}}}', RANGE, by)})"),
        rows("rejected", f"{sum_grown(rejects, RANGE, by)} / ({sum_grown(events, RANGE, by)} > 0)"),
        rows("filled", f"{sum_grown(filled, RANGE, by)} / ({sum_grown(ordered, RANGE, by)} > 0)"),
        rows("notional", sum_grown(f"trading_own_notional_total{{{OF_BOT}}}", RANGE, money)),
        rows("arrival", _over_range(_slippage_of("arrival"), money)),
        rows("decision", _over_range(_slippage_of("decision"), money)),
        rows("markout", _over_range(_markout_of("5s"), money)),
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
    expr = basis_points(*_slippage_of("arrival"), BPS_WINDOW, "strategy, currency")
    return _centred("Slippage against arrival", text, BASIS_POINTS, expr, "{{strategy}} {{currency}}")


def _markouts() -> timeseries.Panel:
    text = (
        "How far the mid moved in our favour after fills, by horizon, over 5 minutes, weighted by value; below 0 "
        "is lost."
    )
    gained, lost, notional = (f"trading_markout_{part}_total{{{OF_BOT}}}" for part in ("gained", "lost", "notional"))
    expr = basis_points(gained, lost, notional, BPS_WINDOW, "horizon, currency")
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
    expr = f"60 * sum by (how) (rate(trading_orders_ended_total{{{OF_BOT}}}[1m]))"
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
