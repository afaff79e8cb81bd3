"""*Orders*: latency, what is open, and what happened."""

from grafana_foundation_sdk.builders import heatmap, timeseries

from dashboards import palette
from dashboards.parts import PER_SECOND, Panel, cells, colored, legend, lines, over_time
from dashboards.promql import EVENTS_LOST, FROM_SOURCE, OF_ACCOUNT, OF_BOT, or_none, per_second, sum_of_orders

LATENCY = "trading_order_latency_seconds_bucket"
OUTCOMES = {
    "applied": palette.GOOD,
    "duplicate": palette.QUIET,
    "conflict": palette.BAD,
    "late": palette.WARN,
    "orphan": palette.WARN,
    "second_source": palette.ACCENT,
}


def latency_panels() -> list[Panel]:
    """The distribution with its exemplars, the stages, the venues, and what could not be measured."""
    return [_latencies(), _stages(), _venues(), _unmeasured()]


def _latencies() -> heatmap.Panel:
    text = (
        "Latency of the chosen stage, orders per second and bucket over a minute each. A point is one order, with"
        " its id: a click on it leads to its life on the page."
    )
    expr = f'sum by (le) (rate({LATENCY}{{stage="$stage",{OF_ACCOUNT}}}[1m]))'
    return cells("Latency of orders, $stage", text, "s", over_time("A", expr, "{{le}}").exemplar(exemplar=True))


def _stages() -> timeseries.Panel:
    text = "Half of the orders, and 99 of 100, took at most this long, by stage, over 5 minutes."
    queries = [
        over_time(
            ref,
            f"histogram_quantile({share}, sum by (stage, le) (rate({LATENCY}{{{OF_ACCOUNT}}}[5m])))",
            f"{name} {{{{stage}}}}",
        )
        for ref, share, name in (("A", 0.5, "p50"), ("B", 0.99, "p99"))
    ]
    panel = lines("Latency by stage", text, "s", *queries).fill_opacity(0)
    return panel.legend(legend("lastNotNull")).span(12).height(9)


def _venues() -> timeseries.Panel:
    text = "p99 from submit to acknowledgement of each account and venue, over 5 minutes."
    rate = f'sum by (account, venue, le) (rate({LATENCY}{{stage="ack",{OF_ACCOUNT}}}[5m]))'
    query = over_time("A", f"histogram_quantile(0.99, {rate})", "{{account}} {{venue}}")
    return lines("Acknowledgements by venue, p99", text, "s", query).fill_opacity(0).span(12)


def _unmeasured() -> timeseries.Panel:
    text = (
        "Latencies per minute that could not be measured, by reason: two stamps of two clocks, a clock that is "
        "too coarse, an order that was replayed, no start."
    )
    expr = "60 * sum by (reason) (rate(telemetry_order_latency_unmeasured_total[1m]))"
    panel = lines("Not measured", text, "none", over_time("A", or_none(expr, "reason"), "{{reason}}"))
    return colored(panel, none=palette.GOOD).axis_soft_min(0).axis_soft_max(1).span(12)


def open_panels() -> list[Panel]:
    """Orders that have not ended, and limits of the venues."""
    panels = [_open(), _open_notional(), _oldest(), _doubt(), _mismatch(), _inferred(), _rate_limits(), _lost()]
    return [panel.span(6) for panel in panels]


def _open() -> timeseries.Panel:
    text = "Orders that have not ended, by account and strategy."
    expr = or_none(f"sum by (account, strategy) (trading_open_orders{{{OF_BOT}}})", "account")
    return lines("Open by strategy", text, "none", over_time("A", expr, "{{account}} {{strategy}}")).axis_soft_min(0)


def _open_notional() -> timeseries.Panel:
    text = "What may still be filled at the orders' own prices, by account and currency."
    expr = or_none(f"sum by (account, currency) (trading_open_orders_notional{{{OF_BOT}}})", "account")
    return lines("Open value", text, "short", over_time("A", expr, "{{account}} {{currency}}")).axis_soft_min(0)


def _oldest() -> timeseries.Panel:
    text = "Age of the oldest open order of each account."
    expr = or_none(
        f"max by (account) (time() - trading_oldest_open_order_timestamp_seconds{{{OF_ACCOUNT}}})", "account"
    )
    return lines("Oldest open orders", text, "s", over_time("A", expr, "{{account}}")).axis_soft_min(0)


def _doubt() -> timeseries.Panel:
    text = "Open orders whose state is not known. Over 60 s is an alert."
    expr = or_none(f"sum by (account) (trading_orders_in_doubt{{{OF_ACCOUNT}}})", "account")
    return lines("Orders in doubt", text, "none", over_time("A", expr, "{{account}}")).axis_soft_min(0).axis_soft_max(1)


def _mismatch() -> timeseries.Panel:
    text = "Position that the peer reports less ours, base. Other than 0 for 60 s is an alert."
    query = over_time("A", f"trading_position_mismatch{{{OF_ACCOUNT}}}", "{{account}} {{symbol}}")
    return lines("Position mismatch", text, "short", query).axis_centered_zero(axis_centered_zero=True)


def _inferred() -> timeseries.Panel:
    text = (
        "Quantity that is filled by a peer's word alone, base: a fill was lost. And per minute: fills known so, "
        "beyond the ordered quantity, and after the order's end."
    )
    inferred = f"sum by (account) (telemetry_order_inferred_qty{{{OF_ACCOUNT}}})"
    queries = [
        over_time("A", or_none(inferred, "account"), "quantity {{account}}"),
        *(
            over_time(ref, f"60 * sum(rate(telemetry_order_{name}_total{FROM_SOURCE}[1m]))", title)
            for ref, name, title in (
                ("B", "inferred_fills", "inferred"),
                ("C", "overfills", "overfills"),
                ("D", "fills_after_end", "after the end"),
            )
        ),
    ]
    return lines("Fills by word alone", text, "short", *queries).axis_soft_min(0).axis_soft_max(1)


def _rate_limits() -> timeseries.Panel:
    text = "Use of each venue's limits. Over 80 % is an alert."
    query = over_time("A", f"trading_rate_limit_used_ratio{{{OF_ACCOUNT}}}", "{{account}} {{venue}} {{limit}}")
    return lines("Rate limits", text, "percentunit", query).decimals(0).min(0).axis_soft_max(1)


def _lost() -> timeseries.Panel:
    text = "Messages about orders whose numbers never came, per second, by source; `none` when there are none."
    expr = or_none(per_second(EVENTS_LOST, FROM_SOURCE, by="source"), "source")
    panel = lines("Messages lost", text, PER_SECOND, over_time("A", expr, "{{source}}"))
    return colored(panel, none=palette.GOOD).axis_soft_min(0).axis_soft_max(1)


def event_panels() -> list[Panel]:
    """What happened, why orders were rejected, what came of the messages."""
    return [panel.span(6) for panel in (_events(), _rejects(), _outcomes(), _messages())]


def _events() -> timeseries.Panel:
    text = "Events of own orders per second, by what happened, over a minute."
    expr = f"sum by (event) (rate(trading_order_events_total{{{OF_BOT}}}[1m]))"
    return lines("Events of orders", text, PER_SECOND, over_time("A", expr, "{{event}}")).axis_soft_min(0)


def _rejects() -> timeseries.Panel:
    text = (
        "Rejections in the chosen time range so far, by reason and kind: of an order, a cancel, a replace, or "
        "before it was sent."
    )
    expr = sum_of_orders("strategy:trading_order_rejects", OF_BOT, "reason, kind")
    return lines("Rejections by reason", text, "none", over_time("A", expr, "{{reason}} ({{kind}})")).decimals(0)


def _outcomes() -> timeseries.Panel:
    text = "Messages about orders that analytics took in, by what came of them, per second over a minute."
    expr = f"sum by (outcome) (rate(telemetry_order_events_total{FROM_SOURCE}[1m]))"
    panel = lines("Outcomes of events", text, PER_SECOND, over_time("A", expr, "{{outcome}}"))
    return colored(panel.axis_soft_min(0), **OUTCOMES)


def _messages() -> timeseries.Panel:
    text = "Messages about orders that ingest accepted, and those whose numbers had come before, by source and kind."
    queries = [
        over_time(
            "A", f"sum by (source, kind) (rate(telemetry_source_events_total{FROM_SOURCE}[1m]))", "{{source}} {{kind}}"
        ),
        over_time(
            "B",
            f"sum by (source) (rate(telemetry_source_events_duplicate_total{FROM_SOURCE}[1m]))",
            "repeated {{source}}",
        ),
    ]
    return lines("Messages about orders", text, PER_SECOND, *queries).axis_soft_min(0)
