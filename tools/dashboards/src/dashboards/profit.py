"""The dashboard *Profit*: money by account, strategy and symbol."""

from grafana_foundation_sdk.builders import table, timeseries
from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.builders.prometheus import Dataquery

from dashboards import palette
from dashboards.frame import Section, dashboard
from dashboards.orders import accounts, strategies
from dashboards.parts import (
    PRICE,
    PRICE_DECIMALS,
    Panel,
    legend,
    lines,
    merged,
    over_time,
    properties,
    rows,
    sheet,
)
from dashboards.promql import OF_ACCOUNT, OF_BOT, or_none, sum_of_orders

UID = "profit"
_SIGNED = {"mode": "absolute", "steps": [{"color": palette.SELL, "value": None}, {"color": palette.BUY, "value": 0}]}


def profit() -> Dashboard:
    """The dashboard, with its variables."""
    sections: list[Section] = [
        ("Accounts", [_accounts(), _equity(), _drawdown()]),
        ("Books", [_books()]),
        ("Over time", _course_panels()),
        ("Costs and volume", _cost_panels()),
    ]
    text = (
        "What the desk's bots earn: realised and unrealised profit, fees, equity and drawdown. Sums are by "
        "currency. Profit is at average cost; docs/orders.md has the formulas."
    )
    built = dashboard(UID, "Profit", text, "now-15m", sections, chosen=())
    return built.with_variable(accounts()).with_variable(strategies())


def _accounts() -> table.Panel:
    text = (
        "Each account and currency in one row. Equity: realised and unrealised profit less fees. Drawdown: below "
        "its highest, now and at most so far. Fees and rebates are of the chosen time range."
    )
    by = "account, currency"
    values = {
        "equity": ("Equity", f"sum by ({by}) (trading_equity{{{OF_ACCOUNT}}})"),
        "drawdown": ("Drawdown", f"sum by ({by}) (trading_drawdown{{{OF_ACCOUNT}}})"),
        "deepest": ("Deepest", f"sum by ({by}) (trading_drawdown_max{{{OF_ACCOUNT}}})"),
        "realised": ("Realised", f"sum by ({by}) (trading_realised_profit{{{OF_BOT}}})"),
        "unrealised": ("Unrealised", f"sum by ({by}) (trading_unrealised_profit{{{OF_BOT}}})"),
        "fees": ("Fees", sum_of_orders("strategy:trading_fees_paid", OF_BOT, by)),
        "rebates": ("Rebates", sum_of_orders("strategy:trading_rebates", OF_BOT, by)),
    }
    names = {"account": "Account", "currency": "Currency", **{f"Value #{ref}": each[0] for ref, each in values.items()}}
    panel = sheet("Accounts", text, *(rows(ref, expr) for ref, (_, expr) in values.items()))
    panel = panel.transformations(merged(names, by="Equity", largest_first=False)).unit("locale").decimals(2)
    return _signed(panel, "Equity", "Realised", "Unrealised").span(24)


def _signed(panel: table.Panel, *titles: str) -> table.Panel:
    text_color = {"type": "color-text"}
    for title in titles:
        panel = panel.override_by_name(title, properties(thresholds=_SIGNED, custom__cellOptions=text_color))
    return panel


def _equity() -> timeseries.Panel:
    text = "Realised and unrealised profit less fees, by account and currency."
    query = over_time("A", f"trading_equity{{{OF_ACCOUNT}}}", "{{account}} {{currency}}")
    return _money("Equity", text, query).span(12)


def _drawdown() -> timeseries.Panel:
    text = (
        "How far the equity is below its highest so far, and the largest such distance. Beyond a limit it is an alert."
    )
    queries = [
        over_time("A", f"trading_drawdown{{{OF_ACCOUNT}}}", "{{account}} {{currency}}"),
        over_time("B", f"trading_drawdown_max{{{OF_ACCOUNT}}}", "deepest {{account}} {{currency}}"),
    ]
    return _money("Drawdown", text, *queries).axis_soft_min(0).span(12)


def _books() -> table.Panel:
    text = (
        "Each account, strategy and symbol in one row: what it holds, at which average price, what it has earned,"
        " what it would earn if closed at its mark, and how old that mark is. Traded: value of the fills of the "
        "chosen time range."
    )
    by = "account, strategy, symbol"
    values = {
        "position": ("Position", f"sum by ({by}) (trading_position{{{OF_BOT}}})"),
        "average": ("Average", f"sum by ({by}) (trading_position_average_price{{{OF_BOT}}})"),
        "realised": ("Realised", f"sum by ({by}, currency) (trading_realised_profit{{{OF_BOT}}})"),
        "unrealised": ("Unrealised", f"sum by ({by}, currency) (trading_unrealised_profit{{{OF_BOT}}})"),
        "age": ("Mark age", f"max by ({by}) (trading_mark_age_seconds{{{OF_BOT}}})"),
        "traded": ("Traded", sum_of_orders("book:trading_own_notional", OF_BOT, f"{by}, currency")),
    }
    names = {
        **{name: name.title() for name in ("account", "strategy", "symbol", "currency")},
        **{f"Value #{ref}": each[0] for ref, each in values.items()},
    }
    panel = sheet("Books", text, *(rows(ref, expr) for ref, (_, expr) in values.items()))
    panel = panel.transformations(merged(names, by="Realised", largest_first=False)).unit("locale").decimals(2)
    panel = panel.override_by_name("Position", properties(unit="locale", decimals=6))
    panel = panel.override_by_name("Average", properties(unit=PRICE, decimals=PRICE_DECIMALS))
    panel = panel.override_by_name("Mark age", properties(unit="s", decimals=1))
    return _signed(panel, "Realised", "Unrealised").span(24)


def _course_panels() -> list[Panel]:
    return [
        _by("Realised by strategy", "Realised profit without fees.", "trading_realised_profit", "strategy, currency"),
        _by("Realised by symbol", "Realised profit without fees.", "trading_realised_profit", "symbol, currency"),
        _by("Unrealised by strategy", "If closed at the marks.", "trading_unrealised_profit", "strategy, currency"),
        _by("Positions", "Units of base held; below zero is short.", "trading_position", "account, symbol"),
    ]


def _by(title: str, what: str, metric: str, by: str) -> timeseries.Panel:
    first, second = by.split(", ")
    expr = f"sum by ({by}) ({metric}{{{OF_BOT}}})"
    text = f"{what} Summed over the chosen accounts and strategies, by {by.replace(', ', ' and ')}."
    panel = _money(title, text, over_time("A", expr, f"{{{{{first}}}}} {{{{{second}}}}}"))
    return panel.axis_centered_zero(axis_centered_zero=True).span(6)


def _cost_panels() -> list[Panel]:
    return [_fees(), _fills(), _marks(), _unpriced()]


def _fees() -> timeseries.Panel:
    text = "Fees paid and rebates received per minute, by currency, over 5 minutes."
    queries = [
        over_time(
            ref, f"60 * sum by (currency) (rate(trading_{name}_total{{{OF_BOT}}}[5m]))", f"{title} {{{{currency}}}}"
        )
        for ref, name, title in (("A", "fees_paid", "fees"), ("B", "rebates", "rebates"))
    ]
    return _money("Fees and rebates", text, *queries).axis_soft_min(0).span(6)


def _fills() -> timeseries.Panel:
    text = "Fills per minute by liquidity: maker, taker, or not said; over a minute."
    expr = f"60 * sum by (liquidity) (rate(trading_own_fills_total{{{OF_BOT}}}[1m]))"
    return lines("Fills by liquidity", text, "none", over_time("A", expr, "{{liquidity}}")).axis_soft_min(0).span(6)


def _marks() -> timeseries.Panel:
    text = "How old the price is at which each book is valued: a quote's mid, else the market's last trade."
    expr = f"max by (account, symbol) (trading_mark_age_seconds{{{OF_BOT}}})"
    return lines("Age of marks", text, "s", over_time("A", expr, "{{account}} {{symbol}}")).axis_soft_min(0).span(6)


def _unpriced() -> timeseries.Panel:
    text = "Fees in a currency without a price in the book's, so far: in no profit. `none` when there are none."
    expr = or_none("sum by (currency) (telemetry_unpriced_fees_total)", "currency")
    panel = lines("Fees not in profit", text, "short", over_time("A", expr, "{{currency}}"))
    return panel.axis_soft_min(0).axis_soft_max(1).span(6)


def _money(title: str, text: str, *queries: Dataquery) -> timeseries.Panel:
    return lines(title, text, "short", *queries).decimals(2).fill_opacity(0).legend(legend("lastNotNull"))
