"""*Pipeline*: the objective (100 % complete, 99.9 % within 10 ms), its budget, and what fires."""

from grafana_foundation_sdk.builders import stat, table, timeseries

from dashboards import palette, promql
from dashboards.parts import Panel, lines, merged, now, number, over_time, properties, rows, sheet

DAY = "1d"


def objective_panels() -> list[Panel]:
    """A day against the objective, and how fast its budget goes."""
    return [_complete_day(), _fast_day(), _burn_rate()]


def _complete_day() -> stat.Panel:
    text = "Trades applied ÷ trades received over the last day. The objective is all of them."
    query = now("A", promql.floored(promql.completeness_in(DAY)), "complete")
    limits = palette.limits(palette.BAD, (1, palette.GOOD))
    return number("Complete, 1 d", text, "percentunit", query, limits).decimals(4).span(4).height(8)


def _fast_day() -> stat.Panel:
    text = (
        "Share of the last day's trades that were in the metrics within 10 ms of their receipt. The objective is "
        "99.9 %."
    )
    slow = 'telemetry_latency_seconds_bucket{stage="process",le="0.01"}'
    expr = (
        f'sum(increase({slow}[{DAY}])) / (sum(increase(telemetry_latency_seconds_count{{stage="process"}}[{DAY}])) > 0)'
    )
    limits = palette.limits(palette.BAD, (1 - float(promql.BUDGET_RATIO), palette.GOOD))
    return (
        number("Within 10 ms, 1 d", text, "percentunit", now("A", expr, "fast"), limits).decimals(3).span(4).height(8)
    )


def _burn_rate() -> timeseries.Panel:
    text = (
        "How many times faster than allowed the budget of 0.1 % slow trades is used. 1 lasts the 30 days, 14.4 "
        "over an hour is "
        "a critical alert, 6 over six hours a warning."
    )
    queries = [
        over_time(ref, f"telemetry:slow:ratio{window} / {promql.BUDGET_RATIO}", window)
        for ref, window in (("A", "5m"), ("B", "1h"), ("C", "6h"))
    ]
    return lines("Burn rate", text, "none", *queries).decimals(1).axis_soft_min(0).span(6)


def alert_panels() -> list[Panel]:
    """What fires now, by name."""
    return [_firing()]


def _firing() -> table.Panel:
    text = (
        "Every alert that fires or is about to. A click on its name opens Prometheus' page of alerts, with what "
        "to do, the panel "
        "and the runbook, which has all of them."
    )
    labels = "alertname, severity, alertstate, job, source, account, reason, feed, stage"
    expr = f'max by ({labels}) (ALERTS{{alertname!="Watchdog"}})'
    names = {
        "alertname": "Alert",
        "severity": "Severity",
        "alertstate": "State",
        "job": "Service",
        "source": "Source",
        "account": "Account",
        "reason": "Reason",
        "feed": "Feed",
        "stage": "Stage",
        "Value #alerts": "Firing",
    }
    link = {"title": "What to do", "url": "${prometheus:raw}/alerts?search=${__value.raw}", "targetBlank": True}
    return (
        sheet("Alerts now", text, rows("alerts", expr))
        .transformations(merged(names, by="Alert", largest_first=False))
        .no_value("none")
        .unit("none")
        .override_by_name("Alert", properties(links=[link]))
        .span(10)
    )
