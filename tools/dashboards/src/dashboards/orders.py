"""The dashboard *Orders*: how the desk's own orders are executed, from the decision to the last fill."""

from grafana_foundation_sdk.builders import stat
from grafana_foundation_sdk.builders.dashboard import Dashboard, QueryVariable

from dashboards import palette
from dashboards.frame import choice, dashboard, several
from dashboards.orders_charts import event_panels, latency_panels, open_panels
from dashboards.orders_quality import quality_panels
from dashboards.parts import COUNT, Panel, now, number
from dashboards.promql import OF_ACCOUNT, OF_BOT, sum_of_orders

UID = "orders"
STAGES = ("ack", "tick", "decision", "first_fill", "complete", "cancel", "replace")
ACK_LIMIT_S = 1.0
"""The same number as the alert's, in prometheus/rules/limits.yml; a test compares them, as it does the next two."""
REJECT_LIMIT_RATIO = 0.05
RATE_LIMIT_RATIO = 0.8


def orders() -> Dashboard:
    """The dashboard, with its variables."""
    sections = [
        ("Now", _now_panels()),
        ("Latency", latency_panels()),
        ("Quality", quality_panels()),
        ("Open orders", open_panels()),
        ("Events", event_panels()),
    ]
    text = (
        "How the desk's own orders fare: acknowledgements, slippage, markouts, rejections. docs/orders.md says "
        "what each is."
    )
    stage = choice(
        "stage",
        "Stage",
        "ack: submit to acknowledgement. tick, decision: to submit. first_fill, complete: from submit.",
        STAGES,
    )
    built = dashboard(UID, "Orders", text, "now-15m", sections, chosen=("source",))
    return built.with_variable(stage).with_variable(accounts()).with_variable(strategies())


def accounts() -> QueryVariable:
    """Whose orders."""
    text = "Whose orders they are."
    return several("account", "Account", text, "label_values(trading_order_events_total, account)")


def strategies() -> QueryVariable:
    """Which of its strategies."""
    return several("strategy", "Strategy", "Who decides.", "label_values(trading_order_events_total, strategy)")


def _now_panels() -> list[Panel]:
    return [_open(), _doubt(), _oldest(), _ack(), _rejected(), _rate_limit()]


def _open() -> stat.Panel:
    text = "Orders of the chosen accounts that have not ended."
    query = now("A", f"sum(trading_open_orders{{{OF_BOT}}}) or vector(0)", "open")
    return number("Open orders", text, COUNT, query, palette.limits(palette.ACCENT)).decimals(0)


def _doubt() -> stat.Panel:
    text = "Open orders whose state is not known: a timeout or a disconnect was the last word. Over 60 s is an alert."
    query = now("A", f"sum(trading_orders_in_doubt{{{OF_ACCOUNT}}}) or vector(0)", "in doubt")
    return number("In doubt", text, COUNT, query, palette.none_is_good()).decimals(0)


def _oldest() -> stat.Panel:
    text = "Since the first event of the oldest open order."
    query = now("A", f"max(time() - trading_oldest_open_order_timestamp_seconds{{{OF_ACCOUNT}}})", "oldest")
    return (
        number("Oldest open order", text, "s", query, palette.limits(palette.PRICE)).decimals(1).no_value("none open")
    )


def _ack() -> stat.Panel:
    text = "From submit to acknowledgement, by one clock: 99 of 100 of the last 5 minutes took at most this long."
    selector = f'{{stage="ack",{OF_ACCOUNT}}}'
    expr = f"histogram_quantile(0.99, sum by (le) (rate(trading_order_latency_seconds_bucket{selector}[5m])))"
    limits = palette.limits(palette.GOOD, (ACK_LIMIT_S, palette.BAD))
    return number("Ack p99, 5 m", text, "s", now("A", expr, "ack"), limits)


def _rejected() -> stat.Panel:
    text = "Orders that were rejected, by the venue or before they were sent, of the orders of the last 5 minutes."
    rejects = sum_of_orders("strategy:trading_order_rejects", f'kind=~"order|local",{OF_BOT}', "", "5m")
    sent = sum_of_orders("strategy:trading_orders_sent", OF_BOT, "", "5m")
    query = now("A", f"({rejects} or vector(0)) / ({sent} > 0)", "rejected")
    limits = palette.limits(palette.GOOD, (REJECT_LIMIT_RATIO, palette.BAD))
    return number("Rejected, 5 m", text, "percentunit", query, limits).decimals(1)


def _rate_limit() -> stat.Panel:
    text = "The highest use of a venue's limit of requests."
    query = now("A", f"max(trading_rate_limit_used_ratio{{{OF_ACCOUNT}}})", "used")
    limits = palette.limits(palette.GOOD, (RATE_LIMIT_RATIO, palette.BAD))
    return number("Rate limit used", text, "percentunit", query, limits).decimals(0)
